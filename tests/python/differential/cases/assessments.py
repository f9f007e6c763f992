"""Assessments of traces: feedback and expectations."""

from ..registry import area
from ..steps import experiment
from ..traces import read, start

case = area("assessments")
HUMAN = {"source_type": "HUMAN", "source_id": "me"}
BASE = "3:traces/{one}/assessments"


def create(pair, name="", path=BASE, **body):
    return pair.post(path, {"assessment": body}, name=name or str(body)[:60])


def made(pair, name="", path=BASE, **body):
    """Create one that the rest of the case needs."""
    pair.keep("made", "assessment.assessment_id", create(pair, name, path, **body))


@case
def creation(pair):
    experiment(pair)
    start(pair, "one")
    good = {"assessment_name": "good", "source": HUMAN}
    for label, more in (
        ("true", {"feedback": {"value": True}}), ("false", {"feedback": {"value": False}}), ("a number", {"feedback": {"value": 0.5}}),
        ("a whole number", {"feedback": {"value": 5}}), ("a text", {"feedback": {"value": "yes"}}),
        ("an empty text", {"feedback": {"value": ""}}), ("null", {"feedback": {"value": None}}),
        ("a list", {"feedback": {"value": [1, "x", None]}}),
        ("a mapping", {"feedback": {"value": {"a": [1], "b": {"c": 2}}}}), ("no value", {"feedback": {}}),
        ("an error", {"feedback": {"error": {"error_code": "E", "error_message": "m", "stack_trace": "t"}}}),
        ("an error and a value", {"feedback": {"value": 1, "error": {"error_code": "E"}}}),
        ("an error outside", {"feedback": {"value": 1}, "error": {"error_code": "E"}}),
        ("an error without code", {"feedback": {"error": {"error_message": "m"}}}), ("feedback of nonsense", {"feedback": "x"}),
        ("an expectation", {"expectation": {"value": "x"}}), ("an expected number", {"expectation": {"value": 5}}),
        ("an expected list", {"expectation": {"value": ["a", "b"]}}), ("an expected mapping", {"expectation": {"value": {"a": 1}}}),
        ("a serialised expectation", {"expectation": {"serialized_value": {"value": '{"a": 1}', "serialization_format": "JSON_FORMAT"}}}),
        ("another serialisation", {"expectation": {"serialized_value": {"value": "x", "serialization_format": "PICKLE"}}}),
        ("an expectation without value", {"expectation": {}}), ("both", {"feedback": {"value": 1}, "expectation": {"value": 2}}),
        ("neither", {}),
        ("a rationale", {"feedback": {"value": 1}, "rationale": "because"}),
        ("a long rationale", {"feedback": {"value": 1}, "rationale": "x" * 20000}),
        ("metadata", {"feedback": {"value": 1}, "metadata": {"a": "1", "mlflow.assessment.sourceRunId": "f" * 32}}),
        ("a number in the metadata", {"feedback": {"value": 1}, "metadata": {"a": 1}}),
        ("a span", {"feedback": {"value": 1}, "span_id": "0102030405060708"}),
        ("a judge", {"feedback": {"value": 1}, "source": {"source_type": "LLM_JUDGE", "source_id": "gpt"}}),
        ("code", {"feedback": {"value": 1}, "source": {"source_type": "CODE"}}),
        ("a source of nonsense", {"feedback": {"value": 1}, "source": {"source_type": "X"}}),
        ("no type of source", {"feedback": {"value": 1}, "source": {"source_id": "x"}}),
        ("AI_JUDGE", {"feedback": {"value": 1}, "source": {"source_type": "AI_JUDGE"}}),
        ("times of its own", {"feedback": {"value": 1}, "create_time": "2024-01-01T00:00:00Z", "last_update_time": "2024-01-02T00:00:00Z"}),
        ("an identifier of its own", {"feedback": {"value": 1}, "assessment_id": "a-mine-{u}"}),
        ("not valid", {"feedback": {"value": 1}, "valid": False}), ("overrides nothing", {"feedback": {"value": 1}, "overrides": "a-none"}),
        ("another trace inside", {"feedback": {"value": 1}, "trace_id": "tr-other"}),
        ("an issue", {"issue": {"issue_name": "x"}}), ("an unknown field", {"feedback": {"value": 1}, "nonsense": 1}),
        ("a value of not a number", {"feedback": {"value": "NaN"}}),
    ):
        create(pair, label, **{**good, **more})
    for label, body in (("no name", {"source": HUMAN, "feedback": {"value": 1}}),
        ("an empty name", {"assessment_name": "", "source": HUMAN, "feedback": {"value": 1}}),
        ("a long name", {"assessment_name": "n" * 251, "source": HUMAN, "feedback": {"value": 1}}),
        ("no source", {"assessment_name": "n", "feedback": {"value": 1}}),
        ("a number as name", {"assessment_name": 5, "source": HUMAN, "feedback": {"value": 1}}),
                        ("unicode", {"assessment_name": "gü🎈t", "source": HUMAN, "feedback": {"value": "ü"}}),
                        ("a dotted name", {"assessment_name": "a.b/c d", "source": HUMAN, "feedback": {"value": 1}})):
        create(pair, label, **body)
    for body in ({}, {"assessment": {}}, {"assessment": None}, {"assessment": "x"}, {"assessment": []}):
        pair.post(BASE, body, name=str(body))
    create(pair, "no such trace", "3:traces/none/assessments", **good, feedback={"value": 1})
    create(pair, "version 2", "traces/{one}/assessments", **good, feedback={"value": 1})
    read(pair, "one", unordered=("assessments",))


@case
def reading_and_deleting(pair):
    experiment(pair)
    start(pair, "one")
    start(pair, "two")
    made(pair, assessment_name="a", source=HUMAN, feedback={"value": 1})
    pair.get(BASE + "/{made}")
    pair.get("3:traces/two/assessments/{made}", name="of another trace")
    pair.get("3:traces/{two}/assessments/{made}", name="of another trace")
    pair.get(BASE + "/a-none")
    pair.get(BASE)
    pair.delete("3:traces/{two}/assessments/{made}", name="of another trace")
    pair.delete(BASE + "/{made}")
    pair.get(BASE + "/{made}")
    pair.delete(BASE + "/{made}", name="again")
    pair.delete(BASE + "/a-none")
    pair.delete("3:traces/none/assessments/a-none")
    read(pair, "one")
    made(pair, assessment_name="a", source=HUMAN, feedback={"value": 1})
    pair.post("3:traces/delete-traces", {"experiment_id": "{exp}", "request_ids": ["{one}"]})
    pair.get(BASE + "/{made}", name="with its trace")


@case
def updates(pair):
    experiment(pair)
    start(pair, "one")
    made(pair, assessment_name="a", source=HUMAN, feedback={"value": 1}, rationale="first", metadata={"k": "1"})
    for kind in ("feedback", "expectation"):
        for label, body, mask in (
            ("a value", {kind: {"value": 2}}, kind), ("a rationale", {"rationale": "second"}, "rationale"),
            ("an empty rationale", {"rationale": ""}, "rationale"), ("a name", {"assessment_name": "b"}, "assessmentName"),
            ("a name in snake case", {"assessment_name": "c"}, "assessment_name"), ("metadata", {"metadata": {"l": "2"}}, "metadata"),
            ("no metadata", {"metadata": {}}, "metadata"),
            ("not valid", {"valid": False}, "valid"), ("valid", {"valid": True}, "valid"),
            ("several", {kind: {"value": "x"}, "rationale": "r", "metadata": {"m": "3"}}, f"{kind},rationale,metadata"),
            ("masked away", {"rationale": "unseen", kind: {"value": 9}}, kind), ("an empty mask", {"rationale": "unseen"}, ""),
            ("an unknown mask", {"rationale": "unseen"}, "nonsense"),
            ("a source", {"source": {"source_type": "CODE", "source_id": "x"}}, "source"),
            ("an error", {kind: {"error": {"error_code": "E"}}}, kind), ("a mapping", {kind: {"value": {"a": 1}}}, kind),
            ("nothing of it", {}, kind), ("a mask of a list", {"rationale": "r"}, ["rationale"]),
            ("a mask of an object", {"rationale": "r"}, {"paths": ["rationale"]}),
        ):
            pair.patch(BASE + "/{made}", {"assessment": body, "update_mask": mask}, name=f"{kind}: {label}")
            pair.get(BASE + "/{made}")
        pair.patch(BASE + "/{made}", {"assessment": {"rationale": "r"}}, name="no mask")
        pair.patch(BASE + "/{made}", {"update_mask": "rationale"}, name="no assessment")
        pair.patch(BASE + "/{made}", {}, name="nothing")
        if kind == "feedback":
            made(pair, assessment_name="e", source=HUMAN, expectation={"value": "first"})
    pair.patch(BASE + "/a-none", {"assessment": {"rationale": "r"}, "update_mask": "rationale"}, name="no such assessment")
    pair.patch("3:traces/none/assessments/{made}", {"assessment": {"rationale": "r"}, "update_mask": "rationale"}, name="no such trace")
    read(pair, "one", unordered=("assessments",))


@case
def overriding(pair):
    experiment(pair)
    start(pair, "one")
    start(pair, "two")
    made(pair, assessment_name="a", source=HUMAN, feedback={"value": 1})
    pair.keep("first", "assessment.assessment_id")
    made(pair, assessment_name="a", source=HUMAN, feedback={"value": 2}, overrides="{first}")
    pair.keep("second", "assessment.assessment_id")
    for name in ("first", "second"):
        pair.get(BASE + f"/{{{name}}}")
    create(pair, "of another trace", "3:traces/{two}/assessments", assessment_name="a", source=HUMAN, feedback={"value": 2},
        overrides="{first}")
    pair.delete(BASE + "/{second}")
    pair.get(BASE + "/{first}", name="valid again")
    read(pair, "one")

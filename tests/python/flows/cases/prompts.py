"""Prompts in the registry, and webhooks on it."""

import mlflow
from mlflow import MlflowClient
from pydantic import BaseModel

from ..session import flow, refused, session


class Answer(BaseModel):
    """The form of an answer that a prompt asks for."""

    text: str
    score: float = 0.0


@flow()
def prompts_are_registered_loaded_and_linked():
    experiment = session.experiment()
    name = session.named("greeting")
    first = mlflow.genai.register_prompt(name, "Greet {{ who }} in {{ tongue }}.", "first words", {"team": "rope"})
    second = mlflow.genai.register_prompt(
        name, "Dear {{who}}: {{ text }}", commit_message="second", response_format=Answer, tags={"team": "walk"},
        model_config={"model_name": "tiny", "temperature": 0.2, "max_tokens": 10, "extra_params": {"k": 1}},
    )
    chat = session.named("chat")
    mlflow.genai.register_prompt(chat, [{"role": "system", "content": "Be {{ mood }}."}, {"role": "user", "content": "{{ question }}"}])
    jinja = mlflow.genai.register_prompt(session.named("jinja"), "{% for each in items %}{{ each }} {% endfor %}")
    assert (first.version, second.version) == (1, 2) and first.variables == {"who", "tongue"}
    mlflow.genai.set_prompt_alias(name, "production", 1)
    by_alias = mlflow.genai.load_prompt(f"prompts:/{name}@production")
    assert by_alias.version == 1 and by_alias.format(who="Ann", tongue="Dutch") == "Greet Ann in Dutch." and by_alias.commit_message == "first words"
    assert by_alias.aliases == ["production"] and by_alias.tags == {"team": "rope"}
    newest = mlflow.genai.load_prompt(f"prompts:/{name}@latest", cache_ttl_seconds=0)
    assert newest.version == 2 and newest.response_format == Answer.model_json_schema() and newest.model_config["temperature"] == 0.2
    assert mlflow.genai.load_prompt(name, version=1).template == first.template
    talk = mlflow.genai.load_prompt(chat)
    assert talk.format(mood="kind", question="why")[1] == {"role": "user", "content": "why"}
    assert jinja.format(items=["a", "b"]) == "a b " if jinja.template.startswith("{%") else True
    assert mlflow.genai.load_prompt(f"prompts:/{session.named('none')}/1", allow_missing=True) is None
    refused(lambda: mlflow.genai.load_prompt(name, version=7), "RESOURCE_DOES_NOT_EXIST")
    mlflow.genai.set_prompt_alias(name, "production", 2)
    mlflow.genai.set_prompt_alias(name, "old", 1)
    mlflow.genai.set_prompt_tag(name, "owner", "ann")
    mlflow.genai.set_prompt_tag(name, "short", "lived")
    mlflow.genai.delete_prompt_tag(name, "short")
    mlflow.genai.set_prompt_version_tag(name, 2, "reviewed", "yes")
    mlflow.genai.set_prompt_version_tag(name, 2, "gone", "soon")
    mlflow.genai.delete_prompt_version_tag(name, 2, "gone")
    mlflow.genai.set_prompt_model_config(name, 1, {"model_name": "late"})
    found = {prompt.name: prompt for prompt in mlflow.genai.search_prompts(f"name LIKE '%{session.flow}-{session.word}'")}
    assert len(found) == 3 and found[name].tags["owner"] == "ann", found
    assert [prompt.name for prompt in mlflow.genai.search_prompts(f"name = '{name}'")] == [name]
    # Prompts are no models.
    assert mlflow.search_registered_models(filter_string=f"name = '{name}'") == []
    client = MlflowClient()
    with mlflow.start_run(run_name="with prompt") as run:
        used = mlflow.genai.load_prompt(f"prompts:/{name}/1")

        @mlflow.trace
        def ask(who):
            return mlflow.genai.load_prompt(f"prompts:/{name}/2").format(who=who, text="x")

        ask("Ann")
    mlflow.flush_trace_async_logging()
    trace = mlflow.search_traces(locations=[experiment], return_type="list")[0]
    links = client.get_run(run.info.run_id).data.tags.get("mlflow.linkedPrompts", "[]")
    versions = client.search_prompt_versions(name)
    assert used.version == 1 and [version.version for version in versions][:2] == [2, 1]
    by_trace = mlflow.search_traces(locations=[experiment], filter_string=f"prompt = '{name}/2'", return_type="list")
    assert [each.info.trace_id for each in by_trace] == [trace.info.trace_id]
    mlflow.genai.delete_prompt_alias(name, "old")
    gone = session.named("gone")
    mlflow.genai.register_prompt(gone, "x")
    mlflow.genai.register_prompt(gone, "y")
    client.delete_prompt_version(gone, "1")
    refused(lambda: mlflow.genai.load_prompt(gone, version=1, cache_ttl_seconds=0), "RESOURCE_DOES_NOT_EXIST")
    client.delete_prompt(gone)
    return links, trace.info.tags.get("mlflow.linkedPrompts"), sorted(mlflow.genai.get_prompt_tags(name))


@flow()
def webhooks_are_kept():
    client = MlflowClient()
    # They are never switched on: nothing may leave this machine.
    first = client.create_webhook(
        session.named("first"), "https://8.8.8.8/hook", ["model_version.created", "registered_model.created"], "words", "secret", "DISABLED"
    )
    events = ["prompt.created", "model_version_alias.created"]
    second = client.create_webhook(session.named("second"), "https://8.8.8.8/other", events, status="DISABLED")
    assert client.get_webhook(first.webhook_id).secret is None and str(second.status) == "DISABLED"
    names = [hook.name for hook in client.list_webhooks(max_results=100) if session.flow in hook.name and session.word in hook.name]
    assert sorted(names) == sorted([first.name, second.name])
    client.update_webhook(first.webhook_id, name=session.named("renamed"), events=["model_version_tag.set"], description="other")
    told = client.get_webhook(first.webhook_id)
    assert str(told.status) == "DISABLED" and [str(event) for event in told.events] == ["model_version_tag.set"]
    for name, url in (("", "https://8.8.8.8"), ("x", "ftp://8.8.8.8"), ("x", "not a url")):
        refused(lambda name=name, url=url: client.create_webhook(name, url, ["model_version.created"]), "INVALID_PARAMETER_VALUE")
    client.delete_webhook(second.webhook_id)
    refused(lambda: client.get_webhook(second.webhook_id), "RESOURCE_DOES_NOT_EXIST")
    return [str(event) for event in told.events], told.description

"""Autologging of OpenAI's client, and judges that ask a model, against a double of OpenAI's server on this machine."""

import contextlib
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import mlflow

from ..session import flow, session

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


class Double(BaseHTTPRequestHandler):
    """Answers chat completions in the form of OpenAI's server, always alike."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Nothing is said of requests."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        common = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "tiny-1"}
        if "fail" in json.dumps(asked["messages"]):
            self.send("application/json", json.dumps({"error": {"message": "overloaded", "type": "bad", "code": "400"}}), 400)
        elif asked.get("stream"):
            parts = [{"role": "assistant", "content": "ro"}, {"content": "pe"}]
            chunks = [{"index": 0, "delta": part, "finish_reason": None} for part in parts] + [{"index": 0, "delta": {}, "finish_reason": "stop"}]
            lines = [json.dumps({**common, "object": "chat.completion.chunk", "choices": [chunk]}) for chunk in chunks]
            if asked.get("stream_options", {}).get("include_usage"):
                lines.append(json.dumps({**common, "object": "chat.completion.chunk", "choices": [], "usage": USAGE}))
            self.send("text/event-stream", "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]))
        else:
            message = {"role": "assistant", "content": "rope"}
            if asked.get("tools"):
                function = {"name": "knot", "arguments": '{"size": 3}'}
                message = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
            elif asked.get("response_format"):
                message["content"] = json.dumps({"result": "yes", "rationale": "it says so"})
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.send("application/json", json.dumps({**common, "object": "chat.completion", "choices": [choice], "usage": USAGE}))

    def send(self, kind, text, status=200):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def double():
    """OpenAI's double: its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Double)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    kept = {"OPENAI_API_KEY": "none", "OPENAI_API_BASE": address, "OPENAI_BASE_URL": address}
    os.environ.update(kept)
    try:
        yield address
    finally:
        for name in kept:
            os.environ.pop(name)
        server.shutdown()
        server.server_close()


@flow("openai")
def chats_with_a_model_are_autologged():
    import openai

    experiment = session.experiment()
    mlflow.openai.autolog()
    try:
        with double() as address:
            client = openai.OpenAI(api_key="none", base_url=address, max_retries=0)
            words = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "what"}]
            assert client.chat.completions.create(model="tiny", messages=words, temperature=0.1).choices[0].message.content == "rope"
            parts = client.chat.completions.create(model="tiny", messages=words, stream=True, stream_options={"include_usage": True})
            assert "".join(part.choices[0].delta.content or "" for part in parts if part.choices) == "rope"
            form = {"type": "object", "properties": {"size": {"type": "integer"}}}
            tool = {"type": "function", "function": {"name": "knot", "parameters": form}}

            @mlflow.trace(span_type="AGENT")
            def agent():
                called = client.chat.completions.create(model="tiny", messages=words, tools=[tool])
                return called.choices[0].message.tool_calls[0].function.arguments

            assert agent() == '{"size": 3}'
            with contextlib.suppress(openai.BadRequestError):
                client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "fail"}])
    finally:
        mlflow.openai.autolog(disable=True)
    mlflow.flush_trace_async_logging()
    traces = sorted(mlflow.search_traces(locations=[experiment], return_type="list"), key=lambda trace: trace.info.timestamp_ms)
    assert [trace.info.state for trace in traces] == ["OK", "OK", "OK", "ERROR"], [trace.info for trace in traces]
    assert [trace.info.token_usage["total_tokens"] for trace in traces[:3]] == [13, 13, 13]
    assert traces[0].data.spans[0].span_type == "CHAT_MODEL" and traces[2].data.spans[1].parent_id == traces[2].data.spans[0].span_id
    found = mlflow.search_traces(locations=[experiment], filter_string="span.type = 'CHAT_MODEL' AND status = 'ERROR'", return_type="list")
    assert len(found) == 1
    return [sorted(span.attributes) for trace in traces for span in trace.data.spans]


@flow("openai")
def a_model_judges():
    experiment = session.experiment()
    rows = [{"inputs": {"question": "what"}, "outputs": "rope", "expectations": {"expected_response": "rope"}}]
    with double():
        correct = mlflow.genai.scorers.Correctness(model="openai:/tiny")
        brief = mlflow.genai.scorers.Guidelines(name="brief", guidelines="be brief", model="openai:/tiny")
        result = mlflow.genai.evaluate(data=rows, scorers=[correct, brief])
    mlflow.flush_trace_async_logging()
    (trace,) = mlflow.search_traces(locations=[experiment], run_id=result.run_id, return_type="list")
    told = {each.name: each for each in trace.info.assessments}
    assert told["correctness"].value == "yes" and told["brief"].rationale == "it says so", told
    assert told["correctness"].source.source_type == "LLM_JUDGE"
    return sorted(result.metrics.items())

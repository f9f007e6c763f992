//! The conventions: which names stand for what. They are asked in this order.

use ropewalk_mlflow::Json;

use super::{checked, frameworks, value_of, whole};
use crate::otlp::Attributes;
use crate::python::{loads_or_text, truthy};
use crate::span::get;

/// How attributes are named.
pub(super) enum Key {
    /// By their name.
    Name(&'static str),
    /// By parts of it with digits between.
    Pattern(&'static [&'static str]),
}

use Key::{Name, Pattern};

/// What is peculiar to a framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peculiar {
    Nothing,
    GeminiCli,
    ClaudeCode,
    GenAi,
    Vercel,
    VoltAgent,
    LiveKit,
}

/// A convention.
pub(super) struct Convention {
    pub(super) peculiar: Peculiar,
    pub(super) type_key: &'static str,
    pub(super) types: &'static [(&'static str, &'static str)],
    /// Input, output, total, read from a cache, written to a cache.
    pub(super) token_keys: [&'static str; 5],
    pub(super) inputs: &'static [Key],
    pub(super) outputs: &'static [Key],
    pub(super) models: &'static [Key],
    pub(super) provider: Option<&'static str>,
    pub(super) tools: &'static [Key],
}

const NONE: Convention = Convention {
    peculiar: Peculiar::Nothing,
    type_key: "",
    types: &[],
    token_keys: [""; 5],
    inputs: &[],
    outputs: &[],
    models: &[],
    provider: None,
    tools: &[],
};

const GEN_AI: Convention = Convention {
    peculiar: Peculiar::GenAi,
    type_key: "gen_ai.operation.name",
    types: &[
        ("chat", "CHAT_MODEL"),
        ("create_agent", "AGENT"),
        ("embeddings", "EMBEDDING"),
        ("execute_tool", "TOOL"),
        ("generate_content", "LLM"),
        ("invoke_agent", "AGENT"),
        ("text_completion", "LLM"),
        ("response", "LLM"),
    ],
    token_keys: [
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "",
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
    ],
    inputs: &[Name("gen_ai.input.messages"), Name("gen_ai.tool.call.arguments")],
    outputs: &[Name("gen_ai.output.messages"), Name("gen_ai.tool.call.result")],
    models: &[Name("gen_ai.response.model"), Name("gen_ai.request.model")],
    provider: Some("gen_ai.provider.name"),
    tools: &[Name("gen_ai.tool.definitions")],
};
/// The name that writing to a cache had before.
const CACHE_WRITE_BEFORE: &str = "gen_ai.usage.cache_creation.input_tokens";

/// All conventions.
pub(super) static CONVENTIONS: [Convention; 12] = [
    // OpenInference
    Convention {
        type_key: "openinference.span.kind",
        types: &[
            ("TOOL", "TOOL"),
            ("CHAIN", "CHAIN"),
            ("LLM", "LLM"),
            ("RETRIEVER", "RETRIEVER"),
            ("EMBEDDING", "EMBEDDING"),
            ("AGENT", "AGENT"),
            ("RERANKER", "RERANKER"),
            ("UNKNOWN", "UNKNOWN"),
            ("GUARDRAIL", "GUARDRAIL"),
            ("EVALUATOR", "EVALUATOR"),
        ],
        token_keys: [
            "llm.token_count.prompt",
            "llm.token_count.completion",
            "llm.token_count.total",
            "llm.token_count.prompt_details.cache_read",
            "llm.token_count.prompt_details.cache_write",
        ],
        inputs: &[Name("input.value")],
        outputs: &[Name("output.value")],
        models: &[
            Name("llm.response.model_name"),
            Name("llm.model_name"),
            Name("llm.request.model_name"),
            Name("embedding.model_name"),
        ],
        provider: Some("llm.provider"),
        ..NONE
    },
    Convention {
        peculiar: Peculiar::GeminiCli,
        types: &[("llm_call", "LLM"), ("tool_call", "TOOL"), ("agent_call", "AGENT")],
        ..GEN_AI
    },
    Convention { peculiar: Peculiar::ClaudeCode, ..NONE },
    GEN_AI,
    // Spring AI
    Convention {
        type_key: "gen_ai.operation.name",
        types: &[("chat", "CHAT_MODEL"), ("embeddings", "EMBEDDING")],
        token_keys: ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "", "", ""],
        ..NONE
    },
    // Traceloop
    Convention {
        type_key: "traceloop.span.kind",
        types: &[
            ("workflow", "WORKFLOW"),
            ("task", "TASK"),
            ("agent", "AGENT"),
            ("tool", "TOOL"),
            ("unknown", "UNKNOWN"),
        ],
        token_keys: [
            "gen_ai.usage.prompt_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.usage.total_tokens",
            "",
            "",
        ],
        inputs: &[
            Name("traceloop.entity.input"),
            Pattern(&["gen_ai.prompt.", ".content"]),
            Pattern(&["gen_ai.completion.", ".tool_calls.", ".arguments"]),
        ],
        outputs: &[Name("traceloop.entity.output"), Pattern(&["gen_ai.completion.", ".content"])],
        provider: Some("gen_ai.system"),
        ..NONE
    },
    // Google's Agent Development Kit
    Convention {
        inputs: &[Name("gcp.vertex.agent.llm_request"), Name("gcp.vertex.agent.tool_call_args")],
        outputs: &[Name("gcp.vertex.agent.llm_response"), Name("gcp.vertex.agent.tool_response")],
        ..NONE
    },
    Convention {
        peculiar: Peculiar::Vercel,
        type_key: "ai.operationId",
        types: &[
            ("ai.generateText", "LLM"),
            ("ai.generateText.doGenerate", "LLM"),
            ("ai.toolCall", "TOOL"),
            ("ai.streamText", "LLM"),
            ("ai.streamText.doStream", "LLM"),
            ("ai.generateObject", "LLM"),
            ("ai.generateObject.doGenerate", "LLM"),
            ("ai.streamObject", "LLM"),
            ("ai.streamObject.doStream", "LLM"),
            ("ai.embed", "EMBEDDING"),
            ("ai.embed.doEmbed", "EMBEDDING"),
            ("ai.embedMany", "EMBEDDING"),
        ],
        inputs: &[Name("ai.prompt"), Name("ai.toolCall.args"), Name("ai.value"), Name("ai.values")],
        outputs: &[
            Name("ai.response.text"),
            Name("ai.toolCall.result"),
            Name("ai.response.object"),
            Name("ai.embedding"),
            Name("ai.embeddings"),
        ],
        ..NONE
    },
    Convention {
        peculiar: Peculiar::VoltAgent,
        inputs: &[Name("agent.messages"), Name("llm.messages"), Name("input")],
        outputs: &[Name("output")],
        ..NONE
    },
    Convention {
        peculiar: Peculiar::LiveKit,
        inputs: &[
            Name("lk.user_input"),
            Name("lk.user_transcript"),
            Name("lk.chat_ctx"),
            Name("lk.input_text"),
        ],
        outputs: &[Name("lk.response.text"), Name("lk.response.function_calls")],
        ..GEN_AI
    },
    // Laminar
    Convention {
        type_key: "lmnr.span.type",
        types: &[
            ("LLM", "LLM"),
            ("TOOL", "TOOL"),
            ("DEFAULT", "CHAIN"),
            ("PIPELINE", "CHAIN"),
            ("EXECUTOR", "AGENT"),
            ("EVALUATOR", "EVALUATOR"),
            ("HUMAN_EVALUATOR", "EVALUATOR"),
            ("EVALUATION", "EVALUATOR"),
            ("CACHED", "LLM"),
        ],
        token_keys: ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "", "", ""],
        inputs: &[Name("lmnr.span.input")],
        outputs: &[Name("lmnr.span.output")],
        models: GEN_AI.models,
        provider: Some("gen_ai.system"),
        ..NONE
    },
    // Langfuse
    Convention {
        type_key: "langfuse.observation.type",
        types: &[
            ("generation", "LLM"),
            ("embedding", "EMBEDDING"),
            ("tool", "TOOL"),
            ("retriever", "RETRIEVER"),
            ("agent", "AGENT"),
            ("chain", "CHAIN"),
            ("evaluator", "EVALUATOR"),
            ("guardrail", "GUARDRAIL"),
            ("span", "UNKNOWN"),
        ],
        inputs: &[Name("langfuse.observation.input")],
        outputs: &[Name("langfuse.observation.output")],
        ..NONE
    },
];

impl Convention {
    /// The type of span that the attributes tell.
    pub(super) fn span_type(&self, attributes: &Attributes) -> Option<&'static str> {
        match self.peculiar {
            Peculiar::ClaudeCode => frameworks::claude_type(attributes),
            Peculiar::VoltAgent => frameworks::volt_type(attributes),
            Peculiar::LiveKit => frameworks::livekit_type(attributes),
            Peculiar::GeminiCli if !frameworks::is_gemini_cli(attributes) => None,
            _ => {
                let told = get(attributes, self.type_key).filter(|value| truthy(value))?;
                self.type_named(&loads_or_text(told.as_text()?))
            }
        }
    }

    /// The type that a word stands for.
    pub(super) fn type_named(&self, word: &Json) -> Option<&'static str> {
        let word = word.as_text()?;
        self.types.iter().find(|(known, _)| *known == word).map(|(_, named)| *named)
    }

    pub(super) fn inputs(&self, attributes: &Attributes) -> Option<Json> {
        match self.peculiar {
            Peculiar::ClaudeCode => frameworks::claude_inputs(attributes),
            Peculiar::GeminiCli if !frameworks::is_gemini_cli(attributes) => None,
            Peculiar::GeminiCli => {
                value_of(attributes, self.inputs).map(|value| frameworks::gemini_inputs(value, attributes))
            }
            Peculiar::Vercel if frameworks::is_vercel_chat(attributes) => {
                frameworks::vercel_part(attributes, "ai.prompt.", true)
            }
            _ => value_of(attributes, self.inputs),
        }
    }

    pub(super) fn outputs(&self, attributes: &Attributes) -> Option<Json> {
        match self.peculiar {
            Peculiar::ClaudeCode => frameworks::claude_outputs(attributes),
            Peculiar::GeminiCli if !frameworks::is_gemini_cli(attributes) => None,
            Peculiar::GeminiCli => value_of(attributes, self.outputs).map(frameworks::gemini_outputs),
            Peculiar::Vercel if frameworks::is_vercel_chat(attributes) => {
                frameworks::vercel_part(attributes, "ai.response.", false)
            }
            _ => value_of(attributes, self.outputs),
        }
    }

    /// Tokens: input, output, total, read from a cache, written to a cache.
    pub(super) fn tokens(&self, attributes: &Attributes) -> [Option<i64>; 5] {
        let count = |name: &str| get(attributes, name).and_then(whole);
        match self.peculiar {
            Peculiar::ClaudeCode => frameworks::claude_tokens(attributes),
            Peculiar::VoltAgent => {
                let either = |kind: &str| {
                    let told = checked_raw(attributes, &format!("usage.{kind}"));
                    told.or_else(|| get(attributes, &format!("llm.usage.{kind}"))).and_then(whole)
                };
                [either("prompt_tokens"), either("completion_tokens"), either("total_tokens"), None, None]
            }
            peculiar => {
                let mut counts = self.token_keys.map(count);
                let named = matches!(peculiar, Peculiar::GenAi | Peculiar::GeminiCli | Peculiar::LiveKit);
                if named && get(attributes, self.token_keys[4]).is_none() {
                    counts[4] = count(CACHE_WRITE_BEFORE);
                }
                counts
            }
        }
    }
}

/// An attribute as it stands, unless it is empty or zero.
fn checked_raw<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a Json> {
    get(attributes, name).filter(|value| truthy(value))
}

/// Whether an attribute says something, for frameworks.
pub(super) fn says(attributes: &Attributes, name: &str) -> Option<Json> {
    checked(attributes, name)
}

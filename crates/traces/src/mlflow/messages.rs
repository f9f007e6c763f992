//! The request messages of traces.

use ropewalk_mlflow::Message;
use ropewalk_mlflow::message::{Kind, field, integer, number, part, parts, small, text, texts, truth};

const SOURCE_TYPE: Kind =
    Kind::Word(&[("SOURCE_TYPE_UNSPECIFIED", 0), ("HUMAN", 1), ("LLM_JUDGE", 2), ("CODE", 3)]);
const STATE: Kind = Kind::Word(&[("STATE_UNSPECIFIED", 0), ("OK", 1), ("ERROR", 2), ("IN_PROGRESS", 3)]);
const LOCATION_TYPE: Kind =
    Kind::Word(&[("TRACE_LOCATION_TYPE_UNSPECIFIED", 0), ("MLFLOW_EXPERIMENT", 1), ("INFERENCE_TABLE", 2)]);

static EXPERIMENT_LOCATION: Message = Message(&[text("experiment_id")]);
static TABLE_LOCATION: Message = Message(&[text("full_table_name")]);
static LOCATION: Message = Message(&[
    field("type", LOCATION_TYPE),
    part("mlflow_experiment", &EXPERIMENT_LOCATION),
    part("inference_table", &TABLE_LOCATION),
]);
static SOURCE: Message = Message(&[field("source_type", SOURCE_TYPE), text("source_id")]);
static ERROR: Message = Message(&[text("error_code"), text("error_message"), text("stack_trace")]);
static FEEDBACK: Message = Message(&[field("value", Kind::Any), part("error", &ERROR)]);
static SERIALIZED: Message = Message(&[text("serialization_format"), text("value")]);
static EXPECTATION: Message = Message(&[field("value", Kind::Any), part("serialized_value", &SERIALIZED)]);
static ISSUE: Message = Message(&[text("issue_name")]);
pub(super) static ASSESSMENT: Message = Message(&[
    text("assessment_id"),
    text("assessment_name"),
    text("trace_id"),
    text("span_id"),
    part("source", &SOURCE),
    field("create_time", Kind::Moment),
    field("last_update_time", Kind::Moment),
    part("feedback", &FEEDBACK),
    part("expectation", &EXPECTATION),
    part("issue", &ISSUE),
    text("rationale"),
    part("error", &ERROR),
    field("metadata", Kind::Map),
    text("overrides"),
    truth("valid"),
]);
pub(super) static INFO: Message = Message(&[
    text("trace_id"),
    text("client_request_id"),
    part("trace_location", &LOCATION),
    text("request"),
    text("response"),
    text("request_preview"),
    text("response_preview"),
    field("request_time", Kind::Moment),
    field("execution_duration", Kind::Duration),
    field("state", STATE),
    field("trace_metadata", Kind::Map),
    parts("assessments", &ASSESSMENT),
    field("tags", Kind::Map),
]);
static TRACE: Message = Message(&[part("trace_info", &INFO)]);

pub(super) static START: Message = Message(&[part("trace", &TRACE)]);
pub(super) static GET: Message = Message(&[text("trace_id"), truth("allow_partial")]);
pub(super) static BATCH: Message = Message(&[texts("trace_ids"), texts("experiment_ids")]);
pub(super) static SEARCH: Message = Message(&[
    parts("locations", &LOCATION),
    text("filter"),
    small("max_results"),
    texts("order_by"),
    text("page_token"),
]);
pub(super) static DELETE: Message = Message(&[
    text("experiment_id"),
    integer("max_timestamp_millis"),
    small("max_traces"),
    texts("request_ids"),
]);
pub(super) static TAG: Message = Message(&[text("request_id"), text("trace_id"), text("key"), text("value")]);
pub(super) static LINK_RUN: Message = Message(&[texts("trace_ids"), text("run_id")]);
static PROMPT: Message = Message(&[text("name"), text("version")]);
pub(super) static LINK_PROMPTS: Message = Message(&[text("trace_id"), parts("prompt_versions", &PROMPT)]);
pub(super) static CREATE_ASSESSMENT: Message = Message(&[part("assessment", &ASSESSMENT)]);
pub(super) static UPDATE_ASSESSMENT: Message =
    Message(&[part("assessment", &ASSESSMENT), field("update_mask", Kind::Any)]);

const STATUS: Kind =
    Kind::Word(&[("TRACE_STATUS_UNSPECIFIED", 0), ("OK", 1), ("ERROR", 2), ("IN_PROGRESS", 3)]);
static PAIR: Message = Message(&[text("key"), text("value")]);
pub(super) static BEGIN: Message = Message(&[
    text("experiment_id"),
    integer("timestamp_ms"),
    parts("request_metadata", &PAIR),
    parts("tags", &PAIR),
]);
pub(super) static END: Message = Message(&[
    text("request_id"),
    integer("timestamp_ms"),
    field("status", STATUS),
    parts("request_metadata", &PAIR),
    parts("tags", &PAIR),
]);
pub(super) static SEARCH_LEGACY: Message = Message(&[
    texts("experiment_ids"),
    text("filter"),
    small("max_results"),
    texts("order_by"),
    text("page_token"),
]);

const RECORD_SOURCE: Kind =
    Kind::Word(&[("SOURCE_TYPE_UNSPECIFIED", 0), ("TRACE", 1), ("HUMAN", 2), ("DOCUMENT", 3), ("CODE", 4)]);
pub(super) static CREATE_DATASET: Message = Message(&[
    text("name"),
    texts("experiment_ids"),
    field("source_type", RECORD_SOURCE),
    text("source"),
    text("schema"),
    text("profile"),
    text("created_by"),
    text("tags"),
]);
pub(super) static SEARCH_DATASETS: Message = Message(&[
    texts("experiment_ids"),
    text("filter_string"),
    small("max_results"),
    texts("order_by"),
    text("page_token"),
]);
pub(super) static DATASET_TAGS: Message = Message(&[text("dataset_id"), text("tags")]);
pub(super) static PUT_RECORDS: Message = Message(&[text("dataset_id"), text("records"), text("updated_by")]);
pub(super) static DATASET_RECORDS: Message =
    Message(&[text("dataset_id"), small("max_results"), text("page_token")]);
pub(super) static DELETE_RECORDS: Message = Message(&[text("dataset_id"), texts("dataset_record_ids")]);
pub(super) static DATASET_EXPERIMENTS: Message = Message(&[text("dataset_id"), texts("experiment_ids")]);

const VIEW: Kind = Kind::Word(&[("TRACES", 1), ("SPANS", 2), ("ASSESSMENTS", 3)]);
const AGGREGATION: Kind =
    Kind::Word(&[("COUNT", 1), ("SUM", 2), ("AVG", 3), ("PERCENTILE", 4), ("MIN", 5), ("MAX", 6)]);
static AGGREGATION_PART: Message =
    Message(&[field("aggregation_type", AGGREGATION), number("percentile_value")]);
pub(super) static METRICS: Message = Message(&[
    texts("experiment_ids"),
    field("view_type", VIEW),
    text("metric_name"),
    parts("aggregations", &AGGREGATION_PART),
    texts("dimensions"),
    texts("filters"),
    integer("time_interval_seconds"),
    integer("start_time_ms"),
    integer("end_time_ms"),
    small("max_results"),
    text("page_token"),
]);
pub(super) static CORRELATION: Message =
    Message(&[texts("experiment_ids"), text("filter_string1"), text("filter_string2"), text("base_filter")]);

//! The fields of MLflow's tracking requests, as its protocol has them.

use ropewalk_mlflow::Message;
use ropewalk_mlflow::message::{Kind, field, integer, number, part, parts, small, text, texts, truth};

const VIEW: Kind = Kind::Word(&[("ACTIVE_ONLY", 1), ("DELETED_ONLY", 2), ("ALL", 3)]);
const RUN_STATUS: Kind =
    Kind::Word(&[("RUNNING", 1), ("SCHEDULED", 2), ("FINISHED", 3), ("FAILED", 4), ("KILLED", 5)]);
const MODEL_STATUS: Kind = Kind::Word(&[
    ("LOGGED_MODEL_STATUS_UNSPECIFIED", 0),
    ("LOGGED_MODEL_PENDING", 1),
    ("LOGGED_MODEL_READY", 2),
    ("LOGGED_MODEL_UPLOAD_FAILED", 3),
]);

/// A key and a value.
static PAIR: Message = Message(&[text("key"), text("value")]);

pub(super) static CREATE_EXPERIMENT: Message =
    Message(&[text("name"), text("artifact_location"), parts("tags", &PAIR)]);
/// What names an experiment by its number.
pub(super) static EXPERIMENT: Message = Message(&[text("experiment_id")]);
pub(super) static EXPERIMENT_BY_NAME: Message = Message(&[text("experiment_name")]);
pub(super) static SEARCH_EXPERIMENTS: Message = Message(&[
    integer("max_results"),
    text("page_token"),
    text("filter"),
    texts("order_by"),
    field("view_type", VIEW),
]);
pub(super) static UPDATE_EXPERIMENT: Message = Message(&[text("experiment_id"), text("new_name")]);
pub(super) static EXPERIMENT_TAG: Message = Message(&[text("experiment_id"), text("key"), text("value")]);
pub(super) static SEARCH_DATASETS: Message = Message(&[texts("experiment_ids")]);

pub(super) static CREATE_RUN: Message = Message(&[
    text("experiment_id"),
    text("user_id"),
    text("run_name"),
    integer("start_time"),
    parts("tags", &PAIR),
]);
/// What names a run.
pub(super) static RUN: Message = Message(&[text("run_id"), text("run_uuid")]);
pub(super) static RUN_ONLY: Message = Message(&[text("run_id")]);
pub(super) static UPDATE_RUN: Message = Message(&[
    text("run_id"),
    text("run_uuid"),
    field("status", RUN_STATUS),
    integer("end_time"),
    text("run_name"),
]);
pub(super) static SEARCH_RUNS: Message = Message(&[
    texts("experiment_ids"),
    text("filter"),
    field("run_view_type", VIEW),
    small("max_results"),
    texts("order_by"),
    text("page_token"),
]);

static METRIC: Message = Message(&[
    text("key"),
    number("value"),
    integer("timestamp"),
    integer("step"),
    text("dataset_name"),
    text("dataset_digest"),
    text("model_id"),
    text("run_id"),
]);
pub(super) static LOG_METRIC: Message = Message(&[
    text("run_id"),
    text("run_uuid"),
    text("key"),
    number("value"),
    integer("timestamp"),
    integer("step"),
    text("model_id"),
    text("dataset_name"),
    text("dataset_digest"),
]);
/// A key and a value for a run.
pub(super) static RUN_PAIR: Message =
    Message(&[text("run_id"), text("run_uuid"), text("key"), text("value")]);
pub(super) static DELETE_TAG: Message = Message(&[text("run_id"), text("key")]);
pub(super) static LOG_BATCH: Message =
    Message(&[text("run_id"), parts("metrics", &METRIC), parts("params", &PAIR), parts("tags", &PAIR)]);
pub(super) static LOG_MODEL: Message = Message(&[text("run_id"), text("model_json")]);

static DATASET: Message = Message(&[
    text("name"),
    text("digest"),
    text("source_type"),
    text("source"),
    text("schema"),
    text("profile"),
]);
static DATASET_INPUT: Message = Message(&[parts("tags", &PAIR), part("dataset", &DATASET)]);
static MODEL_LINK: Message = Message(&[text("model_id"), integer("step")]);
pub(super) static LOG_INPUTS: Message =
    Message(&[text("run_id"), parts("datasets", &DATASET_INPUT), parts("models", &MODEL_LINK)]);
pub(super) static LOG_OUTPUTS: Message = Message(&[text("run_id"), parts("models", &MODEL_LINK)]);

pub(super) static HISTORY: Message = Message(&[
    text("run_id"),
    text("run_uuid"),
    text("metric_key"),
    text("page_token"),
    small("max_results"),
]);
pub(super) static HISTORY_SAMPLE: Message = Message(&[
    texts("run_ids"),
    text("metric_key"),
    small("start_step"),
    small("end_step"),
    small("max_results"),
]);
pub(super) static LIST_ARTIFACTS: Message =
    Message(&[text("run_id"), text("run_uuid"), text("path"), text("page_token")]);
pub(super) static LIST_PROXIED: Message = Message(&[text("path"), text("page_token")]);
pub(super) static BEGIN_PARTS: Message = Message(&[text("path"), integer("num_parts")]);
static UPLOADED_PART: Message = Message(&[integer("part_number"), text("etag"), text("url")]);
pub(super) static END_PARTS: Message =
    Message(&[text("path"), text("upload_id"), parts("parts", &UPLOADED_PART)]);
pub(super) static DROP_PARTS: Message = Message(&[text("path"), text("upload_id")]);
pub(super) static UPLOAD_URL: Message =
    Message(&[text("run_id"), text("path"), integer("expiration"), text("model_id")]);
pub(super) static DOWNLOAD_URL: Message = Message(&[text("run_id"), text("path"), integer("expiration")]);

pub(super) static CREATE_LOGGED_MODEL: Message = Message(&[
    text("experiment_id"),
    text("name"),
    text("model_type"),
    text("source_run_id"),
    parts("params", &PAIR),
    parts("tags", &PAIR),
]);
pub(super) static FINALIZE_LOGGED_MODEL: Message =
    Message(&[text("model_id"), field("status", MODEL_STATUS)]);
pub(super) static LOGGED_MODEL_PARAMS: Message = Message(&[text("model_id"), parts("params", &PAIR)]);
pub(super) static LOGGED_MODEL_TAGS: Message = Message(&[text("model_id"), parts("tags", &PAIR)]);
static SEARCHED_DATASET: Message = Message(&[text("dataset_name"), text("dataset_digest")]);
static LOGGED_MODEL_ORDER: Message =
    Message(&[text("field_name"), truth("ascending"), text("dataset_name"), text("dataset_digest")]);
pub(super) static SEARCH_LOGGED_MODELS: Message = Message(&[
    texts("experiment_ids"),
    text("filter"),
    parts("datasets", &SEARCHED_DATASET),
    small("max_results"),
    parts("order_by", &LOGGED_MODEL_ORDER),
    text("page_token"),
]);
pub(super) static LIST_LOGGED_MODEL_FILES: Message =
    Message(&[text("model_id"), text("artifact_directory_path"), text("page_token")]);

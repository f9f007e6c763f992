//! The words of monitoring: windows, reports, drifted columns, alerts, feedback.

use ropewalk_data::Frame;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which logged predictions to look at. Every bound narrows; the default is the newest 500.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Window {
    /// Only predictions at or after this time, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub since_ms: Option<i64>,
    /// Only predictions before this time, in milliseconds since the Unix epoch. A window with an end looks back:
    /// it is reported, and neither fires nor resolves an alert.
    #[serde(default)]
    pub until_ms: Option<i64>,
    /// Only the newest so many predictions (rows). Without it and without `since_ms`: the monitor's window.
    #[serde(default)]
    pub last: Option<usize>,
    /// Only predictions of this revision. Without it: of the revision with the largest share of the traffic. A
    /// window on another revision is reported, and neither fires nor resolves an alert.
    #[serde(default)]
    pub revision: Option<i64>,
}

impl Window {
    /// The newest `rows` predictions.
    #[must_use]
    pub fn last(rows: usize) -> Self {
        Self { last: Some(rows), ..Self::default() }
    }

    /// Everything at or after a time, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn since(since_ms: i64) -> Self {
        Self { since_ms: Some(since_ms), ..Self::default() }
    }

    /// The same window narrowed to one revision.
    #[must_use]
    pub fn of_revision(mut self, revision: i64) -> Self {
        self.revision = Some(revision);
        self
    }
}

/// What really happened, for one prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Feedback {
    /// The id that came with the answer.
    pub prediction_id: String,
    /// The observed value of the target column (for wine: its quality, 0 to 10), not the 0/1 label; the model's
    /// target rule turns it into one.
    pub value: f64,
    /// When it was observed, in milliseconds since the Unix epoch; now if left out.
    #[serde(default = "ropewalk_core::now_ms")]
    pub time_ms: i64,
}

/// What became of a batch of feedback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedbackReceipt {
    /// Labels stored; a second label for the same prediction replaces the first.
    pub accepted: u64,
}

/// Which captured predictions are asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CaptureFilter {
    /// Only at or after this time, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub since_ms: Option<i64>,
    /// Only before this time, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub until_ms: Option<i64>,
    /// Only predictions whose true value is known.
    #[serde(default)]
    pub labelled_only: bool,
    /// Only predictions of this revision.
    #[serde(default)]
    pub revision: Option<i64>,
    /// The newest so many, after the other conditions.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// Logged predictions with what is known about them, oldest first; all lists have one element a row.
#[derive(Clone, Debug)]
pub struct Captured {
    /// The raw inputs as they came in. Where rows of several models lie together, a column that one of them did
    /// not have is missing there.
    pub frame: Frame,
    /// Prediction ids.
    pub ids: Vec<String>,
    /// Scores (probabilities); NaN where the model failed.
    pub scores: Vec<f64>,
    /// Observed values of the target column; `None` while unknown.
    pub values: Vec<Option<f64>>,
    /// Revisions that answered.
    pub revisions: Vec<i64>,
    /// Registered models behind them.
    pub models: Vec<String>,
    /// Versions of those models.
    pub versions: Vec<i64>,
    /// When the requests came, in milliseconds since the Unix epoch.
    pub times_ms: Vec<i64>,
    /// From receipt to score, in microseconds, of the request that held the row.
    pub latencies_us: Vec<u64>,
    /// Why the model could not score the row, if it could not.
    pub errors: Vec<Option<String>>,
}

impl Captured {
    /// Number of predictions.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.ids.len()
    }
}

/// One prediction whose truth is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// The prediction's id.
    pub prediction_id: String,
    /// Revision that answered.
    pub revision: i64,
    /// Predicted probability of the positive class.
    pub score: f64,
    /// 1 if the observed value meets the model's target rule, else 0.
    pub label: f64,
    /// When the request came, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// When the truth was observed, in milliseconds since the Unix epoch.
    pub labelled_ms: i64,
}

/// Whether an endpoint is well, judged by one report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing to tell.
    Ok,
    /// Something moved, but nothing that an alert stands for.
    Warning,
    /// At least one alert's condition holds.
    Alert,
    /// Too few rows to judge; alerts are left as they were.
    TooFew,
}

impl Status {
    /// The word in reports and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Alert => "alert",
            Self::TooFew => "too_few",
        }
    }
}

/// How one column (or the scores) of the window differs from the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ColumnDrift {
    /// Column.
    pub name: String,
    /// `number` or `category`.
    pub kind: String,
    /// The test: `ks`, `wasserstein`, `chisquare`, `z` or `jensenshannon`, chosen by reference size and kind.
    pub statistic: String,
    /// The test's score: a p-value for `ks`, `chisquare` and `z`, a distance for the others.
    pub value: f64,
    /// The score's threshold: p-values at or below it and distances at or above it say drift.
    pub threshold: f64,
    /// p-value that both sides come from one distribution (Kolmogorov–Smirnov, chi-square or z).
    pub p_value: f64,
    /// The p-value corrected for testing many columns (Benjamini–Hochberg).
    pub p_adjusted: f64,
    /// Drifted: the test says so, the corrected p-value too, and the effect is material; or a category that the
    /// reference did not have makes up a material share.
    pub drifted: bool,
    /// How much, from 0 to 1: the largest difference between the two cumulative distributions (numbers), or the
    /// share of rows that would have to change category (categories).
    pub effect_size: f64,
    /// Mean of the window less mean of the reference, in standard deviations of the reference (numbers only).
    pub mean_shift: Option<f64>,
    /// `up`, `down` or `same`: where the mean went; `changed` for categories.
    pub direction: String,
    /// Mean of the reference (numbers only).
    pub mean_reference: Option<f64>,
    /// Mean of the window (numbers only).
    pub mean_current: Option<f64>,
    /// Population stability index.
    pub psi: f64,
    /// Share of missing values in the window, 0 to 1.
    pub missing_share: f64,
    /// Share of missing values in the reference, 0 to 1.
    pub missing_share_reference: f64,
    /// Whether missing values became more frequent: materially, and beyond chance.
    pub missing_rose: bool,
    /// Categories that the reference does not have, most frequent first (at most 20).
    pub new_categories: Vec<String>,
    /// Share of the window's rows in such categories.
    pub new_category_share: f64,
    /// Shares of the reference by bin (numbers) or category, adding up to 1.
    pub histogram_reference: Vec<f64>,
    /// Shares of the window, in the same bins.
    pub histogram_current: Vec<f64>,
    /// Edges of the bins, one more than bins; empty for categories.
    pub edges: Vec<f64>,
    /// Names of the bins for categories; empty for numbers.
    pub labels: Vec<String>,
}

/// One evaluation of an endpoint: what came in and how well it was answered, against the model's reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// Id.
    pub id: String,
    /// Endpoint.
    pub endpoint: String,
    /// Revision whose predictions were looked at.
    pub revision: i64,
    /// Registered model behind it.
    pub model: String,
    /// Version of that model.
    pub version: i64,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// The window that was asked for.
    pub window: Window,
    /// Time of the oldest prediction in it, in milliseconds since the Unix epoch.
    pub from_ms: Option<i64>,
    /// Time of the newest prediction in it, in milliseconds since the Unix epoch.
    pub to_ms: Option<i64>,
    /// Predictions in the window.
    pub rows: u64,
    /// Predictions with a known truth that quality was judged on.
    pub labelled: u64,
    /// Every input column, largest effect first.
    pub columns: Vec<ColumnDrift>,
    /// Share of the columns that drifted, 0 to 1.
    pub share_drifted: f64,
    /// The scores against the reference's scores.
    pub prediction_drift: Option<ColumnDrift>,
    /// Area under the ROC curve on labelled predictions; `None` while one class or too few rows are known.
    pub realised_auc: Option<f64>,
    /// Lower end of its confidence interval (90 %, so that each end holds with 95 %).
    pub realised_auc_low: Option<f64>,
    /// Upper end of its confidence interval.
    pub realised_auc_high: Option<f64>,
    /// The model's AUC when it was registered.
    pub reference_auc: Option<f64>,
    /// Mean squared difference between score and label, 0 (best) to 1.
    pub brier: Option<f64>,
    /// Share of positive labels, 0 to 1.
    pub positive_share: Option<f64>,
    /// Mean score, 0 to 1.
    pub mean_score: Option<f64>,
    /// Verdict.
    pub status: Status,
    /// What it found, in sentences.
    pub findings: Vec<String>,
    /// Alerts whose condition holds by this report.
    pub alerts: Vec<Alert>,
}

/// A report without its columns, for lists and curves over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportSummary {
    /// Id.
    pub id: String,
    /// Endpoint.
    pub endpoint: String,
    /// Revision whose predictions were looked at.
    pub revision: i64,
    /// Registered model behind it.
    pub model: String,
    /// Version of that model.
    pub version: i64,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// Predictions in the window.
    pub rows: u64,
    /// Predictions with a known truth.
    pub labelled: u64,
    /// Share of the columns that drifted, 0 to 1.
    pub share_drifted: f64,
    /// Effect size of the scores' drift, 0 to 1.
    pub prediction_effect: Option<f64>,
    /// Realised AUC.
    pub realised_auc: Option<f64>,
    /// Lower end of its confidence interval.
    pub realised_auc_low: Option<f64>,
    /// Upper end of its confidence interval.
    pub realised_auc_high: Option<f64>,
    /// The model's AUC when it was registered.
    pub reference_auc: Option<f64>,
    /// Brier score.
    pub brier: Option<f64>,
    /// Verdict.
    pub status: Status,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Many input columns drifted, or one lies wholly elsewhere.
    DataDrift,
    /// The scores drifted.
    PredictionDrift,
    /// The realised AUC is surely below the reference less the allowed drop.
    QualityDrop,
    /// A column's values are missing far more often than in the reference.
    MissingShare,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 4] =
        [Self::DataDrift, Self::PredictionDrift, Self::QualityDrop, Self::MissingShare];

    /// The word in keys, tables and routes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DataDrift => "data_drift",
            Self::PredictionDrift => "prediction_drift",
            Self::QualityDrop => "quality_drop",
            Self::MissingShare => "missing_share",
        }
    }

    /// The kind of a stored word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Whether an alert's condition still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    /// It holds.
    Firing,
    /// It no longer does.
    Resolved,
}

impl AlertStatus {
    /// The word in the database and in routes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// A condition that a person should know of. One fires per key; it resolves when a later report no longer shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Id of this firing.
    pub id: String,
    /// What it is about, the same each time: `ENDPOINT/KIND`.
    pub key: String,
    /// Endpoint.
    pub endpoint: String,
    /// Kind.
    pub kind: AlertKind,
    /// `critical` (users get worse answers) or `warning`.
    pub severity: String,
    /// Whether it still holds.
    pub status: AlertStatus,
    /// One line for a person.
    pub title: String,
    /// The particulars, with numbers.
    pub text: String,
    /// Revision that was judged.
    pub revision: i64,
    /// Registered model behind it.
    pub model: String,
    /// Version of that model.
    pub version: i64,
    /// The report that fired it.
    pub report_id: String,
    /// The figure that crossed.
    pub value: f64,
    /// What it crossed.
    pub threshold: f64,
    /// When it fired, in milliseconds since the Unix epoch.
    pub fired_ms: i64,
    /// When it resolved, in milliseconds since the Unix epoch.
    pub resolved_ms: Option<i64>,
    /// The report that resolved it.
    pub resolved_by: Option<String>,
}

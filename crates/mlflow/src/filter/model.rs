//! What a filter and an order mean.

/// The searches that MLflow has. Each has its own entities, keys and operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Search {
    Runs,
    Experiments,
    RegisteredModels,
    ModelVersions,
    LoggedModels,
    Traces,
    TraceMetrics,
    EvaluationDatasets,
}

impl Search {
    /// Every search.
    pub const ALL: [Self; 8] = [
        Self::Runs,
        Self::Experiments,
        Self::RegisteredModels,
        Self::ModelVersions,
        Self::LoggedModels,
        Self::Traces,
        Self::TraceMetrics,
        Self::EvaluationDatasets,
    ];

    /// A filter that this search accepts, for hints.
    pub fn example(self) -> &'static str {
        match self {
            Self::Runs => "metrics.val_auc > 0.8 AND params.recipe = 'trees'",
            Self::Experiments => "name LIKE 'wine%' AND tags.team = 'search'",
            Self::RegisteredModels => "name LIKE 'wine%' AND tags.stage = 'live'",
            Self::ModelVersions => "name = 'wine' AND version_number > 3",
            Self::LoggedModels => "metrics.val_auc > 0.8 AND tags.stage = 'live'",
            Self::Traces => "status = 'ERROR' AND timestamp_ms > 1700000000000",
            Self::TraceMetrics => "trace.status = 'OK'",
            Self::EvaluationDatasets => "name LIKE 'golden%' AND created_time > 1700000000000",
        }
    }
}

/// What a comparison looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entity {
    /// A field of the thing itself, such as a run's `status`.
    Attribute,
    /// A metric by its key.
    Metric,
    /// A parameter by its key.
    Parameter,
    /// A tag by its key.
    Tag,
    /// A field of a dataset that a run read: `name`, `digest` or `context`.
    Dataset,
    /// A trace's metadata by its key.
    Metadata,
    /// A field of a trace's spans: `name`, `type`, `status`, `content`, or `attributes.` and an attribute's key.
    Span,
    /// A trace's feedback by its name.
    Feedback,
    /// A trace's expectation by its name.
    Expectation,
    /// A field of an issue that a trace is linked with: `id`.
    Issue,
    /// The prompt version that a trace is linked with; the value is `name/version`.
    Prompt,
    /// A field of a trace's assessments, in trace metrics: `name` or `type`.
    Assessment,
}

impl Entity {
    /// MLflow's word for it, as its messages have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attribute => "attribute",
            Self::Metric => "metric",
            Self::Parameter => "parameter",
            Self::Tag => "tag",
            Self::Dataset => "dataset",
            Self::Metadata => "request_metadata",
            Self::Span => "span",
            Self::Feedback => "feedback",
            Self::Expectation => "expectation",
            Self::Issue => "issue",
            Self::Prompt => "prompt",
            Self::Assessment => "assessment",
        }
    }
}

/// How the two sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `LIKE`: `%` stands for any text, `_` for one character; case counts.
    Like,
    /// `ILIKE`: as `LIKE`, whatever the case.
    ILike,
    /// `RLIKE`: a regular expression is found somewhere in the text.
    RLike,
    /// `IN`
    In,
    /// `NOT IN`
    NotIn,
    /// `IS NULL`: there is no such thing.
    IsNull,
    /// `IS NOT NULL`: there is such a thing.
    IsNotNull,
}

impl Operator {
    /// Every operator.
    pub const ALL: [Self; 13] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Like,
        Self::ILike,
        Self::RLike,
        Self::In,
        Self::NotIn,
        Self::IsNull,
        Self::IsNotNull,
    ];

    /// The operator as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Like => "LIKE",
            Self::ILike => "ILIKE",
            Self::RLike => "RLIKE",
            Self::In => "IN",
            Self::NotIn => "NOT IN",
            Self::IsNull => "IS NULL",
            Self::IsNotNull => "IS NOT NULL",
        }
    }

    /// The operator that is written so, in capitals.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.as_str() == text)
    }

    /// Whether it compares by size or equality, as numbers are compared.
    pub fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::Less
                | Self::LessOrEqual
                | Self::Greater
                | Self::GreaterOrEqual
        )
    }

    /// Whether it takes a list.
    pub fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::NotIn)
    }
}

/// The right-hand side.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `IS NULL` has none.
    Nothing,
    /// A text, without its quotes.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any other number, and every number that a metric is compared with.
    Real(f64),
    /// Texts in parentheses.
    List(Vec<String>),
}

/// One comparison. Other names of a key are translated: `created` is `start_time`.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What the left-hand side is.
    pub entity: Entity,
    /// Its key, without quotes.
    pub key: String,
    /// The operator.
    pub operator: Operator,
    /// The right-hand side.
    pub value: Value,
}

/// One order: what by, and which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What to order by.
    pub entity: Entity,
    /// Its key, without quotes.
    pub key: String,
    /// Smallest first.
    pub ascending: bool,
}

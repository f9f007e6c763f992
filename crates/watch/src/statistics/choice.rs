//! Which test a column gets, and its threshold: Evidently's defaults.

/// A drift test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Kolmogorov–Smirnov p-value.
    KolmogorovSmirnov,
    /// Wasserstein distance in standard deviations of the reference.
    Wasserstein,
    /// Chi-square p-value.
    ChiSquare,
    /// z-test p-value.
    Proportion,
    /// Jensen–Shannon distance.
    JensenShannon,
}

/// Up to so many reference values a hypothesis test is used, beyond a distance: p-values of large samples flag
/// everything.
const SMALL_REFERENCE: usize = 1_000;
/// Up to so many distinct numbers a column is treated as categories.
const FEW_VALUES: usize = 5;

impl Test {
    /// The default test. `reference` counts the reference's values that are not missing, `distinct` the distinct
    /// values of both sides.
    #[must_use]
    pub fn default_for(numeric: bool, reference: usize, distinct: usize) -> Self {
        let as_number = numeric && distinct > FEW_VALUES;
        match (reference <= SMALL_REFERENCE, as_number) {
            (true, true) => Self::KolmogorovSmirnov,
            (false, true) => Self::Wasserstein,
            (true, false) if distinct > 2 => Self::ChiSquare,
            (true, false) => Self::Proportion,
            (false, false) => Self::JensenShannon,
        }
    }

    /// The name in reports, as Evidently has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::KolmogorovSmirnov => "ks",
            Self::Wasserstein => "wasserstein",
            Self::ChiSquare => "chisquare",
            Self::Proportion => "z",
            Self::JensenShannon => "jensenshannon",
        }
    }

    /// Where drift begins: 0.05 for p-values, 0.1 for distances.
    #[must_use]
    pub fn threshold(self) -> f64 {
        match self {
            Self::KolmogorovSmirnov | Self::ChiSquare | Self::Proportion => 0.05,
            Self::Wasserstein | Self::JensenShannon => 0.1,
        }
    }

    /// Whether `score` says drift: `ks` at or below its threshold, the other p-values below, distances at or above.
    #[must_use]
    pub fn says_drift(self, score: f64) -> bool {
        match self {
            Self::KolmogorovSmirnov => score <= self.threshold(),
            Self::ChiSquare | Self::Proportion => score < self.threshold(),
            Self::Wasserstein | Self::JensenShannon => score >= self.threshold(),
        }
    }
}

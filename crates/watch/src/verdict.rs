//! From figures to conditions: which alerts hold, which do not, and what to say.

use crate::{AlertKind, ColumnDrift, MonitorSettings, Report, Status};

/// Whether an alert's condition holds by a report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    /// It holds.
    Holds(Finding),
    /// It surely does not: an alert that fires resolves.
    Clear,
    /// The report cannot tell: alerts stay as they are.
    Unknown,
}

/// What a person is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) severity: &'static str,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) value: f64,
    pub(crate) threshold: f64,
}

/// The condition of every kind of alert.
pub(crate) fn conditions(report: &Report, settings: &MonitorSettings) -> Vec<(AlertKind, Condition)> {
    if report.status == Status::TooFew {
        return AlertKind::ALL.into_iter().map(|kind| (kind, Condition::Unknown)).collect();
    }
    vec![
        (AlertKind::DataDrift, data_drift(report, settings)),
        (AlertKind::PredictionDrift, prediction_drift(report, settings)),
        (AlertKind::QualityDrop, quality_drop(report, settings)),
        (AlertKind::MissingShare, missing_share(report, settings)),
    ]
}

fn data_drift(report: &Report, settings: &MonitorSettings) -> Condition {
    let drifted: Vec<&ColumnDrift> = report.columns.iter().filter(|column| column.drifted).collect();
    let severe = drifted.first().filter(|column| column.effect_size >= settings.severe_effect);
    if report.share_drifted < settings.drift_share && severe.is_none() {
        return Condition::Clear;
    }
    let most: Vec<String> = drifted.iter().take(3).map(|column| describe(column)).collect();
    let (value, threshold) = match severe {
        Some(column) if report.share_drifted < settings.drift_share => {
            (column.effect_size, settings.severe_effect)
        }
        _ => (report.share_drifted, settings.drift_share),
    };
    Condition::Holds(Finding {
        severity: "warning",
        title: format!(
            "{}: {} of {} input columns drifted",
            report.endpoint,
            drifted.len(),
            report.columns.len()
        ),
        text: format!(
            "the last {} requests differ from what {}/{} was trained on, most in {}",
            report.rows,
            report.model,
            report.version,
            most.join("; ")
        ),
        value,
        threshold,
    })
}

fn prediction_drift(report: &Report, settings: &MonitorSettings) -> Condition {
    match &report.prediction_drift {
        None => Condition::Unknown,
        Some(drift) if !drift.drifted => Condition::Clear,
        Some(drift) => Condition::Holds(Finding {
            severity: "warning",
            title: format!("{}: the scores of {}/{} drifted", report.endpoint, report.model, report.version),
            text: format!("over the last {} predictions, {}", report.rows, describe(drift)),
            value: drift.effect_size,
            threshold: settings.material_effect,
        }),
    }
}

fn quality_drop(report: &Report, settings: &MonitorSettings) -> Condition {
    let (Some(value), Some(high), Some(reference)) =
        (report.realised_auc, report.realised_auc_high, report.reference_auc)
    else {
        return Condition::Unknown;
    };
    if report.labelled < settings.min_labelled as u64 {
        return Condition::Unknown;
    }
    let floor = reference - settings.auc_drop;
    if high < floor {
        return Condition::Holds(Finding {
            severity: "critical",
            title: format!(
                "{}: AUC of {}/{} fell to {value:.3}",
                report.endpoint, report.model, report.version
            ),
            text: format!(
                "on {} labelled predictions it is below {high:.3} with 95 % confidence; it was {reference:.3} at \
                 registration, and {:.3} of drop is allowed",
                report.labelled, settings.auc_drop
            ),
            value,
            threshold: floor,
        });
    }
    // Between “surely below” and “at least as good” an alert that fires goes on firing: no flapping on the border.
    if value >= floor { Condition::Clear } else { Condition::Unknown }
}

fn missing_share(report: &Report, settings: &MonitorSettings) -> Condition {
    let mut rose: Vec<&ColumnDrift> = report.columns.iter().filter(|column| column.missing_rose).collect();
    let rise = |column: &ColumnDrift| column.missing_share - column.missing_share_reference;
    rose.sort_by(|a, b| rise(b).total_cmp(&rise(a)));
    let Some(worst) = rose.first() else { return Condition::Clear };
    let named: Vec<String> = rose
        .iter()
        .take(3)
        .map(|column| {
            format!(
                "{} {:.0} % (was {:.0} %)",
                column.name,
                column.missing_share * 100.0,
                column.missing_share_reference * 100.0
            )
        })
        .collect();
    Condition::Holds(Finding {
        severity: "warning",
        title: format!("{}: values of {} are missing", report.endpoint, counted(rose.len(), "input column")),
        text: format!("over the last {} requests: {}", report.rows, named.join("; ")),
        value: rise(worst),
        threshold: settings.missing_rise,
    })
}

fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("one {thing}") } else { format!("{count} {thing}s") }
}

fn describe(column: &ColumnDrift) -> String {
    let moved = format!("{} ({:.0} % of the rows lie elsewhere", column.name, column.effect_size * 100.0);
    match column.mean_shift {
        Some(shift) => format!("{moved}, mean {shift:+.1} σ)"),
        None if column.new_category_share > 0.0 => {
            format!("{moved}, {:.0} % in new categories)", column.new_category_share * 100.0)
        }
        None => format!("{moved})"),
    }
}

/// The report's verdict and its findings in sentences.
pub(crate) fn summarise(
    report: &Report,
    conditions: &[(AlertKind, Condition)],
    settings: &MonitorSettings,
) -> (Status, Vec<String>) {
    if report.status == Status::TooFew {
        let few = format!("{} of at least {} predictions: too few to judge", report.rows, settings.min_rows);
        return (Status::TooFew, vec![few]);
    }
    let mut findings = Vec::new();
    let mut status = Status::Ok;
    for (_, condition) in conditions {
        if let Condition::Holds(finding) = condition {
            status = Status::Alert;
            findings.push(format!("{}: {}", finding.title, finding.text));
        }
    }
    let holds = |kind: AlertKind| {
        conditions.iter().any(|(other, c)| *other == kind && matches!(c, Condition::Holds(_)))
    };
    let drifted: Vec<&ColumnDrift> = report.columns.iter().filter(|column| column.drifted).collect();
    if !drifted.is_empty() && !holds(AlertKind::DataDrift) {
        let names: Vec<String> = drifted.iter().take(3).map(|column| describe(column)).collect();
        findings.push(format!(
            "{} of {} columns drifted: {}",
            drifted.len(),
            report.columns.len(),
            names.join("; ")
        ));
        if status == Status::Ok {
            status = Status::Warning;
        }
    }
    for column in report.columns.iter().filter(|column| !column.new_categories.is_empty()) {
        let named = column.new_categories.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        findings.push(format!("{} has new categories: {named}", column.name));
        if status == Status::Ok {
            status = Status::Warning;
        }
    }
    if let (Some(value), false) = (report.realised_auc, holds(AlertKind::QualityDrop)) {
        let before = report
            .reference_auc
            .map_or_else(String::new, |reference| format!(", {reference:.3} at registration"));
        findings.push(format!("AUC {value:.3} on {} labelled predictions{before}", report.labelled));
    }
    if findings.is_empty() {
        findings.push(format!("{} predictions look like the reference", report.rows));
    }
    (status, findings)
}

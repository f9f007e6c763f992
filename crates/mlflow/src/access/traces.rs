//! What the requests about traces need.

use super::about::{About, veto_if_named};
use super::asked::{Asked, Found, both, missing, new_in, within};
use super::permission::Action;
use super::resource::ResourceType::{Assessment, Experiment, LoggedModel, Run, Trace};
use super::rights::{Needs, Requirement};
use crate::error::{ErrorCode, MlflowError};
use crate::message::{Kind, Message, list, part, parts, text, texts};

static EXPERIMENT: Message = Message(&[text("experiment_id")]);
static TRACE: Message = Message(&[text("trace_id"), text("request_id")]);
static TRACES: Message = Message(&[text("run_id"), texts("trace_ids")]);
static LOCATION: Message = Message(&[part("mlflow_experiment", &EXPERIMENT)]);
static SEARCH: Message = Message(&[parts("locations", &LOCATION), text("filter"), texts("order_by")]);
static CORRELATION: Message =
    Message(&[texts("experiment_ids"), text("filter_string1"), text("filter_string2"), text("base_filter")]);
static METRICS: Message = Message(&[texts("experiment_ids"), text("view_type")]);
static TRACE_INFO: Message = Message(&[part("trace_location", &LOCATION), list("assessments", Kind::Any)]);
static NEW: Message = Message(&[part("trace", &NEW_TRACE)]);
static NEW_TRACE: Message = Message(&[part("trace_info", &TRACE_INFO)]);

/// The header that names the experiment of spans.
const SPANS_EXPERIMENT: &str = "x-mlflow-experiment-id";

pub(super) async fn needs(about: About, asked: &Asked<'_>) -> Found {
    let everything = |all: Vec<Requirement>| Ok(Some(Needs::all(all)));
    match about {
        About::NewTrace => everything(new_in(&asked.text("experiment_id", &EXPERIMENT)?, Trace)),
        About::NewTraceV3 => {
            let fields = asked.fields(&NEW)?;
            let info = fields.part("trace").and_then(|trace| trace.part("trace_info"));
            let experiment = info
                .and_then(|info| info.part("trace_location"))
                .and_then(|location| location.part("mlflow_experiment"))
                .and_then(|experiment| experiment.some_text("experiment_id"));
            let Some(experiment) = experiment else { return Ok(None) };
            let mut all = new_in(experiment, Trace);
            if info.is_some_and(|info| info.has("assessments")) {
                all.push(Requirement::every(Assessment, Action::NotDenied));
            }
            everything(all)
        }
        About::Spans => {
            let header = asked.call.headers().get(SPANS_EXPERIMENT).and_then(|value| value.to_str().ok());
            match header.filter(|experiment| !experiment.is_empty()) {
                Some(experiment) => everything(new_in(experiment, Trace)),
                None => Err(MlflowError::new(
                    ErrorCode::BadRequest,
                    "Missing required header: X-Mlflow-Experiment-Id",
                )),
            }
        }
        About::Trace(name, action) => asked.trace(&trace_id(asked, name)?, action).await,
        About::SomeTraces => everything(vec![Requirement::every(Trace, Action::NotDenied)]),
        About::SearchTraces => {
            let filter = asked.call.query("filter").unwrap_or_default().to_owned();
            Ok(search(&asked.call.query_all("experiment_ids"), &[filter], &asked.call.query_all("order_by")))
        }
        About::SearchTracesV3 => {
            let fields = asked.fields(&SEARCH)?;
            let experiments: Vec<String> = fields
                .parts("locations")
                .filter_map(|location| location.part("mlflow_experiment"))
                .filter_map(|experiment| experiment.some_text("experiment_id"))
                .map(str::to_owned)
                .collect();
            let filter = fields.text("filter").to_owned();
            Ok(search(&experiments, &[filter], &fields.texts("order_by")))
        }
        About::TraceCorrelation => {
            let fields = asked.fields(&CORRELATION)?;
            let filters = ["filter_string1", "filter_string2", "base_filter"];
            let filters = filters.map(|name| fields.text(name).to_owned());
            Ok(search(&fields.texts("experiment_ids"), &filters, &[]))
        }
        About::TraceMetrics => {
            let fields = asked.fields(&METRICS)?;
            let experiments = fields.texts("experiment_ids");
            let mut all = each(&experiments, Trace);
            if fields.text("view_type") == "ASSESSMENTS" {
                all.extend(each(&experiments, Assessment));
            }
            if experiments.is_empty() { Ok(None) } else { everything(all) }
        }
        About::DeleteTraces => {
            let id = asked.text("experiment_id", &EXPERIMENT)?;
            everything(vec![
                Requirement::on(Experiment, &id, Action::Read),
                Requirement::every(Trace, Action::Delete).or(Experiment, &id, Action::Delete),
                Requirement::every(Assessment, Action::Delete).or(Experiment, &id, Action::Update),
            ])
        }
        About::LinkTraces => {
            let fields = asked.fields(&TRACES)?;
            let run = fields.some_text("run_id").ok_or_else(|| missing("run_id"))?;
            let mut needs = asked.run(run, Action::Update).await?;
            for trace in fields.texts("trace_ids") {
                needs = both(needs, asked.trace(&trace, Action::Read).await?);
            }
            Ok(needs)
        }
        About::NewAssessment => {
            let trace = trace_id(asked, "trace_id")?;
            let Some(id) = asked.lookup.experiment_of_trace(&trace).await? else { return Ok(None) };
            // Either the experiment or the traces may be written to; a lower permission on the one takes nothing away
            // that the other gives.
            let mut all = within(&id, Trace, Action::Read);
            all.push(Requirement::every(Assessment, Action::NotDenied));
            let by_trace = Requirement::every(Trace, Action::Update).or(Experiment, &id, Action::Update);
            Ok(Some(Needs { all, one_of: vec![Requirement::on(Experiment, &id, Action::Update), by_trace] }))
        }
        About::Assessment(action) => {
            let trace = trace_id(asked, "trace_id")?;
            let Some(id) = asked.lookup.experiment_of_trace(&trace).await? else { return Ok(None) };
            let inherited = if action == Action::Delete { Action::Update } else { action };
            let mut all = within(&id, Trace, Action::Read);
            all.push(Requirement::every(Assessment, action).or(Experiment, &id, inherited));
            everything(all)
        }
        _ => Ok(None),
    }
}

fn trace_id(asked: &Asked<'_>, name: &'static str) -> crate::MlflowResult<String> {
    match asked.call.query(name).filter(|_| asked.variable(name).is_none()) {
        Some(value) => Ok(value.to_owned()),
        None => asked.text(name, &TRACE),
    }
}

/// A search needs every experiment that it names, and what its filters and orders look at. One that names none is
/// refused: it would mean all of the server's.
fn search(experiments: &[String], filters: &[String], order_by: &[String]) -> Option<Needs> {
    if experiments.is_empty() {
        return None;
    }
    let mut all = each(experiments, Trace);
    let looked_at = [
        (Run, &["run_id", "mlflow.sourcerun"][..]),
        (LoggedModel, &["mlflow.modelid"]),
        (Assessment, &["feedback", "expectation", "assessment"]),
    ];
    for (kind, words) in looked_at {
        let texts = filters.iter().chain(order_by);
        let named = texts.flat_map(|text| words.iter().map(move |word| veto_if_named(text, word, kind)));
        if named.flatten().next().is_some() {
            all.extend(
                experiments
                    .iter()
                    .map(|id| Requirement::every(kind, Action::Read).or(Experiment, id, Action::Read)),
            );
        }
    }
    Some(Needs::all(all))
}

fn each(experiments: &[String], kind: super::ResourceType) -> Vec<Requirement> {
    experiments.iter().flat_map(|id| within(id, kind, Action::Read)).collect()
}

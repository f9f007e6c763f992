//! Bare `ropewalk`: where you stand and what to do next.

use owo_colors::OwoColorize;
use ropewalk_core::Result;
use ropewalk_data::Dataset;
use ropewalk_models::RegisteredModel;
use ropewalk_prep::Prepared;
use ropewalk_respond::Incident;
use ropewalk_serve::EndpointView;
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::table::{Table, figure, short};

#[derive(Serialize)]
struct Standing {
    place: String,
    datasets: usize,
    prepared: usize,
    runs: usize,
    models: usize,
    endpoints: usize,
    open_incidents: usize,
    next: String,
}

pub(crate) async fn run(context: &Context) -> Result<()> {
    let remote = context.settings.text("server").is_some();
    if !remote
        && !context.settings.home.join("meta.db").exists()
        && context.settings.text("database").is_none()
    {
        return welcome(context);
    }
    let client = context.client().await?;
    let datasets: Vec<Dataset> = client.get("/api/v1/datasets").await?;
    let prepared: Vec<Prepared> = client.get("/api/v1/prep/prepared").await?;
    let runs: Value = client.get("/api/v1/runs?limit=1000").await?;
    let runs = runs["items"].as_array().cloned().unwrap_or_default();
    let models: Vec<RegisteredModel> = client.get("/api/v1/models").await?;
    let endpoints: Vec<EndpointView> = client.get("/api/v1/endpoints").await?;
    let incidents: Value = client.get("/api/v1/incidents").await?;
    let incidents: Vec<Incident> =
        serde_json::from_value(incidents.get("items").cloned().unwrap_or(incidents))?;
    let open: Vec<&Incident> = incidents.iter().filter(|incident| incident.status.is_open()).collect();

    let next = if let Some(incident) = open.first() {
        format!("ropewalk why incident:{}", incident.id)
    } else if datasets.is_empty() {
        "ropewalk data commit NAME FILE.csv".to_owned()
    } else if prepared.is_empty() {
        format!("ropewalk prep run {} --target 'COLUMN >= VALUE'", datasets[0].name)
    } else if runs.is_empty() {
        format!("ropewalk run sweep {}", short(&prepared[0].id))
    } else if models.is_empty() {
        "ropewalk run ls --order 'metrics.val_auc DESC'   # then: ropewalk model register NAME --run RUN"
            .to_owned()
    } else if endpoints.is_empty() {
        format!("ropewalk endpoint deploy NAME --model {}", models[0].name)
    } else if matches!(client, crate::client::Client::Local(..)) {
        "ropewalk up".to_owned()
    } else {
        format!("ropewalk watch evaluate {}", endpoints[0].endpoint.name)
    };
    let standing = Standing {
        place: if remote { client.place().to_owned() } else { context.settings.home.display().to_string() },
        datasets: datasets.len(),
        prepared: prepared.len(),
        runs: runs.len(),
        models: models.len(),
        endpoints: endpoints.len(),
        open_incidents: open.len(),
        next,
    };
    context.output.one(&standing, |standing| {
        let mut table = Table::pairs();
        let server = match client {
            crate::client::Client::Remote { base, .. } => format!("running at {base}"),
            crate::client::Client::Local(..) => "not running".to_owned(),
        };
        table.pair("home", &standing.place);
        table.pair("server", server);
        let names = |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        table.pair("datasets", names(datasets.iter().map(|dataset| dataset.name.clone()).collect()));
        table.pair("prepared", standing.prepared.to_string());
        table.pair(
            "runs",
            if standing.runs == 1000 { "1000 or more".to_owned() } else { standing.runs.to_string() },
        );
        table.pair("models", names(models.iter().map(|model| model.name.clone()).collect()));
        let serves = endpoints.iter().map(|view| {
            let live = view.endpoint.revisions.iter().filter(|revision| revision.percent > 0.0);
            let live: Vec<String> =
                live.map(|r| format!("{}/{} {} %", r.model, r.version, figure(r.percent))).collect();
            format!("{} ({})", view.endpoint.name, live.join(", "))
        });
        table.pair("endpoints", names(serves.collect()));
        let titles = open.iter().map(|incident| format!("{} {}", incident.number, incident.title));
        table.pair("open incidents", names(titles.collect()));
        table
    })?;
    context.output.next(&standing.next);
    Ok(())
}

fn welcome(context: &Context) -> Result<()> {
    #[derive(Serialize)]
    struct Welcome {
        home: Option<String>,
        next: &'static str,
    }
    context.output.text(&Welcome { home: None, next: "ropewalk demo" }, |_| {
        format!(
            "{} — the machine-learning lifecycle on one line of evidence.\n\nThere is no home here yet ({}).\n\n  {}              the whole line on real data, in about a minute\n  {}                serve everything at http://127.0.0.1:7878\n  {}  begin with a table of your own\n  {}            every command",
            "Ropewalk".bold(),
            context.settings.home.display(),
            "ropewalk demo".cyan(),
            "ropewalk up".cyan(),
            "ropewalk data commit NAME FILE".cyan(),
            "ropewalk --help".cyan(),
        )
    })
}

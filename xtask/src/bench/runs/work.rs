//! The work that both servers are given.

use serde_json::{Value, json};

use super::answers::Seen;
use super::load::Place;
use super::measure::{Budget, Timing, repeat};
use super::options::Database;
use super::{data, writes};
use crate::bench::http::{Client, Coding};
use crate::process::Outcome;

/// What a piece of work is judged by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// How many requests are answered per second.
    Rate,
    /// The median time.
    Time,
}

/// A piece of work.
pub(super) struct Work {
    /// What it is called in the report, and chosen by.
    pub(super) name: String,
    pub(super) judged: Judged,
    /// How many times as fast as MLflow's server ours must be.
    pub(super) bar: Option<f64>,
    action: Action,
}

enum Action {
    /// One page of runs/search: filter, order, runs a page.
    Search(&'static str, &'static str, usize),
    /// All pages of runs/search, so many runs a page.
    Paging(usize),
    /// The long curve, with so many points at most.
    History(Option<usize>),
    /// The long curve thinned to about so many points.
    Interval(usize),
    /// log-batch over so many connections: keys and steps of each call.
    LogBatch { keys: usize, steps: usize, connections: usize },
    /// log-metric over so many connections.
    LogMetric { connections: usize },
}

/// What came of a piece of work.
pub(super) struct Done {
    pub(super) timing: Timing,
    /// What the answers said, where they say something.
    pub(super) seen: Option<Seen>,
}

/// All work, in the order in which it is done: reading first, while both servers hold the same.
pub(super) fn list(database: Database) -> Vec<Work> {
    use Judged::{Rate, Time};
    const BELOW: &str = "metrics.loss < 0.5";
    const BEST: &str = "metrics.accuracy DESC";
    let sorted_bar = match database {
        Database::Sqlite => 50.0,
        Database::Postgres => 15.0,
    };
    let work = |name: &str, judged, bar, action| Work { name: name.to_owned(), judged, bar, action };
    let search = |name, bar, filter, order, page| work(name, Time, bar, Action::Search(filter, order, page));
    let mut list = vec![
        search("search 100: no filter", None, "", "", 100),
        search("search 100: metric filter and order", Some(sorted_bar), BELOW, BEST, 100),
        search("search 100: param filter", None, "params.optimizer = 'adam'", "", 100),
        search("search 100: tag filter", None, "tags.team = 'team-3'", "", 100),
        search("search 1000: no filter", Some(30.0), "", "", 1000),
        search("search 1000: metric filter and order", Some(30.0), BELOW, BEST, 1000),
        work("search all, 1000 a page", Time, None, Action::Paging(1000)),
        work("history of 100k points", Time, Some(30.0), Action::History(None)),
        work("history of 25k points", Time, None, Action::History(Some(25_000))),
        work("bulk-interval 320 of 100k", Time, None, Action::Interval(320)),
        work("bulk-interval 2500 of 100k", Time, None, Action::Interval(2500)),
    ];
    for (shape, keys, steps) in [("20 keys × 50", 20, 50), ("1000 keys", 1000, 1)] {
        for connections in [1, 8] {
            let name = format!("log-batch of 1000 ({shape}), {}", connected(connections));
            list.push(work(&name, Rate, Some(50.0), Action::LogBatch { keys, steps, connections }));
        }
    }
    for connections in [1, 8] {
        let name = format!("log-metric, {}", connected(connections));
        list.push(work(&name, Rate, Some(50.0), Action::LogMetric { connections }));
    }
    list
}

fn connected(connections: usize) -> String {
    format!("{connections} connection{}", if connections == 1 { "" } else { "s" })
}

impl Work {
    /// Whether it adds to what the server holds.
    pub(super) fn writes(&self) -> bool {
        matches!(self.action, Action::LogBatch { .. } | Action::LogMetric { .. })
    }

    /// Do it.
    pub(super) fn measure(&self, port: u16, place: &Place, budget: Budget) -> Outcome<Done> {
        match self.action {
            Action::Search(filter, order, page) => {
                read(port, budget, vec![search(place, filter, order, page, None)], Reading::Runs)
            }
            Action::Paging(page) => read(port, budget, pages(port, place, page)?, Reading::Runs),
            Action::History(most) => {
                let most = most.map_or(String::new(), |most| format!("&max_results={most}"));
                let (run, key) = (&place.curve_run, data::CURVE);
                let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key={key}{most}");
                read(port, budget, vec![Request { path, body: None }], Reading::Points)
            }
            Action::Interval(most) => {
                let (run, key) = (&place.curve_run, data::CURVE);
                let path = format!(
                    "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval\
                     ?run_ids={run}&metric_key={key}&max_results={most}"
                );
                read(port, budget, vec![Request { path, body: None }], Reading::Points)
            }
            Action::LogBatch { keys, steps, connections } => {
                writes::log(port, place, budget, connections, writes::Shape::Batch { keys, steps })
            }
            Action::LogMetric { connections } => {
                writes::log(port, place, budget, connections, writes::Shape::Single)
            }
        }
    }
}

/// A request that reads: a POST if it has a body.
pub(super) struct Request {
    path: String,
    body: Option<String>,
}

/// What the answers hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Runs,
    Points,
}

impl Request {
    /// Send it, and check that it is answered well; the length of the answer once decompressed, in bytes.
    pub(super) fn send(&self, client: &mut Client) -> Outcome<usize> {
        let answer = match &self.body {
            Some(body) => client.post(&self.path, body.as_bytes(), Coding::Any),
            None => client.get(&self.path, Coding::Any),
        }?;
        answer.ok()?;
        Ok(answer.length())
    }

    /// Send it, and read the answer; its length in bytes comes with it.
    pub(super) fn read(&self, client: &mut Client) -> Outcome<(usize, Value)> {
        let answer = match &self.body {
            Some(body) => client.post(&self.path, body.as_bytes(), Coding::Plain),
            None => client.get(&self.path, Coding::Plain),
        }?;
        Ok((answer.length(), answer.json()?))
    }
}

/// A request to runs/search.
pub(super) fn search(place: &Place, filter: &str, order: &str, page: usize, token: Option<&str>) -> Request {
    let mut body =
        json!({"experiment_ids": [place.runs.id], "max_results": page, "run_view_type": "ACTIVE_ONLY"});
    if !filter.is_empty() {
        body["filter"] = json!(filter);
    }
    if !order.is_empty() {
        body["order_by"] = json!([order]);
    }
    if let Some(token) = token {
        body["page_token"] = json!(token);
    }
    Request { path: "/api/2.0/mlflow/runs/search".to_owned(), body: Some(body.to_string()) }
}

/// The requests that go through all runs, found by going through them.
fn pages(port: u16, place: &Place, page: usize) -> Outcome<Vec<Request>> {
    let mut client = Client::new(port);
    let mut requests = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let request = search(place, "", "", page, token.as_deref());
        let (_, answer) = request.read(&mut client)?;
        requests.push(request);
        let next = Seen::default().add_search(&answer);
        if next.is_some() && next == token {
            return Err("the same page comes again and again".to_owned());
        }
        token = next;
        if token.is_none() {
            return Ok(requests);
        }
    }
}

/// Read the answers once to know what they say, then again and again to know how long they take.
fn read(port: u16, budget: Budget, requests: Vec<Request>, reading: Reading) -> Outcome<Done> {
    let mut client = Client::new(port);
    let mut seen = Seen::default();
    let mut lengths = Vec::new();
    for request in &requests {
        let (length, answer) = request.read(&mut client)?;
        match reading {
            Reading::Runs => drop(seen.add_search(&answer)),
            Reading::Points => seen.add_points(&answer)?,
        }
        lengths.push(length);
    }
    if seen.is_empty() {
        return Err("the answer is empty".to_owned());
    }
    let worker = || {
        for (request, expected) in requests.iter().zip(&lengths) {
            let length = request.send(&mut client)?;
            if length != *expected {
                return Err(format!("the answer has {length} bytes, where it had {expected}"));
            }
        }
        Ok(())
    };
    Ok(Done { timing: repeat(budget, vec![worker]), seen: Some(seen) })
}

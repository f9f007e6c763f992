//! Many different searches, each answer compared with what the formula of the data says.

use std::fmt;

use serde_json::{Value, json};

use super::answers::items;
use super::data::{self, Data, mix};
use super::load::Place;
use super::measure::Timing;
use super::work::{Request, search};
use crate::bench::http::Client;
use crate::process::Outcome;

/// Runs a page, as the web app asks for them.
const PAGE: usize = 100;

/// What all searches together must keep: median and 99th percentile in milliseconds.
pub(super) const MEDIAN_BAR: f64 = 20.0;
pub(super) const P99_BAR: f64 = 100.0;

/// How the searches went.
pub(super) struct Varied {
    /// The very first one after the server's start, in milliseconds; it is in no other figure.
    pub(super) cold: f64,
    pub(super) all: Timing,
    pub(super) kinds: Vec<(&'static str, Timing)>,
    /// Answers that were not what they should be.
    pub(super) wrong: Vec<String>,
}

/// One condition of a filter, in MLflow's language and as a test of a run.
enum Condition {
    /// A metric's last value is below so many billionths.
    Below(usize, u32),
    /// A parameter is this.
    Param(usize, String),
    /// A parameter begins so.
    ParamBegins(usize, String),
    /// A tag is this.
    Tag(usize, String),
    /// A tag has this in it.
    TagHas(usize, String),
    /// The run's name begins so.
    NameBegins(String),
    /// The run started then or later.
    StartedFrom(u64),
}

/// What is looked for.
struct Search {
    kind: &'static str,
    conditions: Vec<Condition>,
    /// By this metric, the largest first; else the latest run first.
    order: Option<usize>,
    offset: usize,
}

impl Condition {
    fn text(&self) -> String {
        match self {
            Self::Below(metric, billionths) => {
                format!("metrics.{} < 0.{billionths:09}", data::metric_key(*metric))
            }
            Self::Param(param, value) => format!("params.{} = '{value}'", data::param(0, *param).0),
            Self::ParamBegins(param, value) => format!("params.{} LIKE '{value}%'", data::param(0, *param).0),
            Self::Tag(tag, value) => format!("tags.{} = '{value}'", data::tag(0, *tag).0),
            Self::TagHas(tag, value) => format!("tags.{} LIKE '%{value}%'", data::tag(0, *tag).0),
            Self::NameBegins(value) => format!("attributes.run_name LIKE '{value}%'"),
            Self::StartedFrom(time) => format!("attributes.start_time >= {time}"),
        }
    }

    fn holds(&self, data: Data, run: usize) -> bool {
        match self {
            Self::Below(metric, billionths) => {
                data::metric_billionths(run, *metric, data.last_step()) < *billionths
            }
            Self::Param(param, value) => data::param(run, *param).1 == *value,
            Self::ParamBegins(param, value) => data::param(run, *param).1.starts_with(value),
            Self::Tag(tag, value) => data::tag(run, *tag).1 == *value,
            Self::TagHas(tag, value) => data::tag(run, *tag).1.contains(value),
            Self::NameBegins(value) => data::run_name(run).starts_with(value),
            Self::StartedFrom(time) => data::start_time(run) >= *time,
        }
    }
}

impl fmt::Display for Search {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filter: Vec<String> = self.conditions.iter().map(Condition::text).collect();
        write!(formatter, "{} ({}; from {})", self.kind, filter.join(" and "), self.offset)
    }
}

impl Search {
    fn request(&self, place: &Place) -> Request {
        let filter: Vec<String> = self.conditions.iter().map(Condition::text).collect();
        let order =
            self.order.map_or(String::new(), |metric| format!("metrics.{} DESC", data::metric_key(metric)));
        // MLflow's own form of the token, so that a page far in needs no walk to it.
        let token = base64(json!({"offset": self.offset}).to_string().as_bytes());
        let token = (self.offset > 0).then_some(token.as_str());
        search(place, &filter.join(" and "), &order, PAGE, token)
    }

    /// The names that the answer should have, in order.
    fn expected(&self, data: Data) -> Vec<String> {
        let holds = |run: &usize| self.conditions.iter().all(|condition| condition.holds(data, *run));
        let mut runs: Vec<usize> = (0..data.runs).rev().filter(holds).collect();
        if let Some(metric) = self.order {
            // Stable: of equal ones the latest run stays first.
            runs.sort_by_cached_key(|run| {
                std::cmp::Reverse(data::metric_billionths(*run, metric, data.last_step()))
            });
        }
        runs.into_iter().skip(self.offset).take(PAGE).map(data::run_name).collect()
    }
}

/// One search of each kind; each round looks for something else.
fn round(data: Data, round: usize) -> Vec<Search> {
    use Condition::{Below, NameBegins, Param, ParamBegins, StartedFrom, Tag, TagHas};
    let draw = |salt: u64| mix(&[round as u64, salt]);
    let run = |salt| draw(salt) as usize % data.runs.max(1);
    let percent = |least: u64, most: u64, salt| ((least + draw(salt) % (most - least)) * 10_000_000) as u32;
    // Some half a page of runs, whatever their number.
    let few = (40_000_000_000 / data.runs.max(40) as u64 + draw(1) % 1000) as u32;
    let deep = |salt: u64, of: usize| of / 10 + draw(salt) as usize % (of * 8 / 10).max(1);
    let find = |kind, conditions, order| Search { kind, conditions, order, offset: 0 };
    let far = |kind, conditions, order, offset| Search { kind, conditions, order, offset };
    let team = || data::tag(run(2), 0).1;
    let adam = || data::param(run(3), 0).1;
    vec![
        find("no filter", vec![], None),
        find("metric filter, selective", vec![Below(0, few)], None),
        find("metric filter, unselective", vec![Below(0, percent(80, 99, 4))], None),
        find("metric order", vec![], Some(2 + run(5) % 18)),
        find("metric filter, selective, order by another", vec![Below(0, few)], Some(1)),
        find("metric filter, unselective, order by another", vec![Below(0, percent(80, 99, 6))], Some(1)),
        find(
            "two metrics and a param, order by a third",
            vec![Below(0, percent(30, 70, 7)), Below(3, percent(30, 70, 8)), Param(0, adam())],
            Some(4),
        ),
        find("param filter", vec![Param(0, adam())], None),
        find("param filter for one run", vec![Param(3, run(9).to_string())], None),
        find("tag filter", vec![Tag(0, team())], None),
        find("tag filter for one run", vec![Tag(2, data::tag(run(10), 2).1)], None),
        find("tag filter, metric order", vec![Tag(0, team())], Some(1)),
        find("param LIKE 'x%'", vec![ParamBegins(0, adam().chars().take(2).collect())], None),
        find("tag LIKE '%x%'", vec![TagHas(2, format!("{:03x}", draw(11) % 4096))], None),
        find("run name LIKE 'x%'", vec![NameBegins(data::run_name(run(12)).chars().take(8).collect())], None),
        find("start time", vec![StartedFrom(data::start_time(run(13)))], None),
        far("deep page", vec![], None, deep(14, data.runs)),
        far("deep page, metric order", vec![], Some(1), deep(15, data.runs)),
        far(
            "deep page, metric filter and order",
            vec![Below(0, 500_000_000)],
            Some(1),
            deep(16, data.runs / 2),
        ),
    ]
}

/// Search in so many rounds, one after the other, over one connection of a server that has just started.
pub(super) fn varied(port: u16, place: &Place, data: Data, rounds: usize) -> Varied {
    let mut client = Client::new(port);
    let mut timed = |request: &Request| -> Outcome<(f64, usize)> {
        let started = std::time::Instant::now();
        let length = request.send(&mut client)?;
        Ok((started.elapsed().as_secs_f64() * 1000.0, length))
    };
    let first = Search {
        kind: "cold",
        conditions: vec![Condition::Below(0, 654_321_000)],
        order: Some(1),
        offset: 0,
    };
    let mut wrong = Vec::new();
    let cold = timed(&first.request(place)).map(|(time, _)| time).unwrap_or_else(|why| {
        wrong.push(why);
        f64::NAN
    });

    let searches: Vec<Search> = (0..rounds).flat_map(|one| round(data, one)).collect();
    let mut times: Vec<(&Search, f64, usize)> = Vec::new();
    for search in &searches {
        match timed(&search.request(place)) {
            Ok((time, length)) => times.push((search, time, length)),
            Err(why) => wrong.push(format!("{search}: {why}")),
        }
    }
    let timing = |kind: Option<&str>| {
        let of_kind = times.iter().filter(|(search, ..)| kind.is_none_or(|kind| search.kind == kind));
        Timing::of(of_kind.map(|(_, time, _)| *time).collect())
    };
    let kinds = round(data, 0).into_iter().map(|search| (search.kind, timing(Some(search.kind)))).collect();
    // Only now, so that looking at the answers does not slow the searches.
    for (search, _, length) in &times {
        let answer = search.request(place).read(&mut client);
        let compared =
            answer.and_then(|(plain, answer)| compare(&answer, &search.expected(data), plain, *length));
        if let Err(why) = compared {
            wrong.push(format!("{search}: {why}"));
        }
    }
    Varied { cold, all: timing(None), kinds, wrong }
}

fn compare(answer: &Value, expected: &[String], plain: usize, timed: usize) -> Outcome {
    let names: Vec<&str> =
        items(&answer["runs"]).iter().filter_map(|run| run["info"]["run_name"].as_str()).collect();
    if names.len() != expected.len() {
        return Err(format!("{} runs, where there should be {}", names.len(), expected.len()));
    }
    if let Some((found, wanted)) = names.iter().zip(expected).find(|(found, wanted)| *found != wanted) {
        return Err(format!("{found}, where {wanted} should be"));
    }
    if plain != timed {
        return Err(format!("the timed answer had {timed} bytes, the same search gives {plain}"));
    }
    Ok(())
}

impl Varied {
    /// Whether the bars are kept, and all answers right.
    pub(super) fn met(&self) -> bool {
        self.wrong.is_empty() && self.all.median() <= MEDIAN_BAR && self.all.quantile(0.99) <= P99_BAR
    }

    /// For the report.
    pub(super) fn json(&self) -> Value {
        let kinds: Vec<Value> =
            self.kinds.iter().map(|(kind, timing)| json!({"kind": kind, "timing": timing.json()})).collect();
        json!({
            "cold_ms": self.cold,
            "all": self.all.json(),
            "kinds": kinds,
            "wrong": self.wrong,
            "bar": {"median_ms": MEDIAN_BAR, "p99_ms": P99_BAR, "met": self.met()},
        })
    }
}

/// Base64 with its usual alphabet and padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = 0_u32;
        for place in 0..3 {
            word = word << 8 | u32::from(chunk.get(place).copied().unwrap_or(0));
        }
        for place in 0..4 {
            let digit = (word >> (18 - 6 * place)) & 63;
            let letter = ALPHABET.get(digit as usize).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_in_rfc_4648() {
        let encoded: Vec<String> =
            ["", "f", "fo", "foo", "foob"].iter().map(|t| base64(t.as_bytes())).collect();
        assert_eq!(encoded, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }

    #[test]
    fn filters_say_what_they_test() {
        let data = Data { runs: 1000, steps: 3 };
        let found = |conditions, order, offset| {
            let search = Search { kind: "", conditions, order, offset };
            search.expected(data)
        };
        assert_eq!(found(vec![], None, 998), ["run-000001", "run-000000"]);
        let one = Condition::Param(3, "17".to_owned());
        assert_eq!(one.text(), "params.seed = '17'");
        assert_eq!(found(vec![one], None, 0), ["run-000017"]);
        let below = Condition::Below(0, 500_000_000);
        assert_eq!(below.text(), "metrics.loss < 0.500000000");
        assert!((400..600).contains(&(0..1000).filter(|run| below.holds(data, *run)).count()));
        let best = found(vec![], Some(1), 0);
        let last = best.last().map(|name| name[4..].parse::<usize>());
        assert_eq!(best.len(), PAGE);
        let value = |run| data::metric_billionths(run, 1, 2);
        let least = last.and_then(Result::ok).map_or(0, value);
        assert_eq!((0..1000).filter(|run| value(*run) >= least).count(), PAGE);
    }

    #[test]
    fn every_kind_finds_something() {
        let data = Data { runs: 1000, steps: 1 };
        for search in round(data, 0) {
            // Three hexadecimal digits need not be in one of so few commits.
            assert!(search.kind == "tag LIKE '%x%'" || !search.expected(data).is_empty(), "{}", search.kind);
        }
    }
}

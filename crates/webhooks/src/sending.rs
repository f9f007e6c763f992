//! One attempt to deliver: the request, its signature, and what its outcome means.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use ropewalk_core::{Error, Result, now_ms};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::address::{self, Blocked, Judge};
use crate::model::Event;
use crate::options::Options;
use crate::secret::{Keys, sign};

/// Longest wait between two attempts that this server chooses by itself, in units.
const LONGEST_WAIT: f64 = 60.0;
/// Longest wait that a receiver may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(6 * 3600);
/// How much of an answer is kept.
const ANSWER_LIMIT: usize = 1 << 20;

/// What is sent, and to whom.
pub(crate) struct Message<'a> {
    pub(crate) webhook: &'a str,
    pub(crate) url: &'a str,
    /// The sealed secret to sign with.
    pub(crate) secret: Option<&'a str>,
    /// Stays the same in every attempt, so that a receiver can tell a message that comes again.
    pub(crate) id: &'a str,
    pub(crate) event: Event,
    /// When it happened, in milliseconds since 1970.
    pub(crate) happened_ms: i64,
    pub(crate) data: &'a Value,
}

impl Message<'_> {
    fn body(&self) -> String {
        let moment = chrono::DateTime::from_timestamp_millis(self.happened_ms).unwrap_or_default();
        format!(
            r#"{{"entity": "{}", "action": "{}", "timestamp": "{}", "data": {}}}"#,
            self.event.entity(),
            self.event.action(),
            moment.format("%Y-%m-%dT%H:%M:%S%.6f+00:00"),
            self.data
        )
    }
}

/// What came of an attempt.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The receiver answered.
    Answered {
        status: u16,
        body: String,
        /// How long the receiver wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// It could not be reached, or did not answer in time.
    Unreached(String),
    /// It must not be sent at all.
    Refused(Error),
}

impl Outcome {
    /// Whether the receiver took it. One that points elsewhere has not.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }

    /// The receiver's HTTP status.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// How long to wait before the next attempt, after `failures` of them; none if there is to be no other.
    pub(crate) fn wait(&self, failures: u32, options: &Options) -> Option<Duration> {
        if failures > options.retries {
            return None;
        }
        match self {
            Self::Answered {
                status: 413 | 429 | 500 | 502 | 503 | 504, retry_after: Some(asked), ..
            } => Some((*asked).min(LONGEST_RETRY_AFTER)),
            Self::Answered { status: 429 | 500 | 502 | 503 | 504, .. } | Self::Unreached(_) => {
                Some(back_off(failures, rand::random(), options.backoff))
            }
            _ => None,
        }
    }

    /// Why it failed, in words.
    pub(crate) fn why(&self) -> Option<String> {
        match self {
            Self::Answered { status: 200..=299, .. } => None,
            Self::Answered { status: status @ 300..=399, .. } => {
                Some(format!("the receiver answered {status}, and redirects are not followed"))
            }
            Self::Answered { status, .. } => Some(format!("the receiver answered {status}")),
            Self::Unreached(why) => Some(why.clone()),
            Self::Refused(error) => Some(error.to_string()),
        }
    }
}

/// The first retry is made at once, the next after two units, then four and so on, each with up to one unit more: many
/// messages that failed together do not come back together.
fn back_off(failures: u32, jitter: f64, unit: Duration) -> Duration {
    if failures <= 1 {
        return Duration::ZERO;
    }
    unit.mul_f64((2f64.powi(i32::try_from(failures).unwrap_or(i32::MAX) - 1) + jitter).min(LONGEST_WAIT))
}

/// Sends messages.
pub(crate) struct Sender {
    pub(crate) options: Options,
    pub(crate) keys: Arc<Keys>,
    /// Made when it is needed: reading the system's certificates takes a moment.
    client: OnceCell<reqwest::Client>,
}

impl Sender {
    pub(crate) fn new(options: Options, keys: Keys) -> Self {
        Self { options, keys: Arc::new(keys), client: OnceCell::new() }
    }

    async fn client(&self) -> Result<&reqwest::Client> {
        self.client
            .get_or_try_init(|| async {
                reqwest::Client::builder()
                    .user_agent(concat!("ropewalk/", env!("CARGO_PKG_VERSION")))
                    .timeout(self.options.timeout)
                    // A redirect would lead where nobody has looked, a proxy would hide where it leads.
                    .redirect(reqwest::redirect::Policy::none())
                    .no_proxy()
                    .dns_resolver(Arc::new(Judge { allow_private: self.options.allow_private }))
                    .build()
                    .map_err(|source| Error::internal("the HTTP client cannot start").source(source))
            })
            .await
    }

    /// Makes one attempt.
    pub(crate) async fn send(&self, message: &Message<'_>) -> Outcome {
        match self.request(message).await {
            Err(error) => Outcome::Refused(error),
            Ok(request) => match request.send().await {
                Ok(response) => answered(response).await,
                Err(error) => failed(&error),
            },
        }
    }

    async fn request(&self, message: &Message<'_>) -> Result<reqwest::RequestBuilder> {
        let url = address::read(message.url, &self.options)?;
        let seconds = now_ms() / 1000;
        let body = message.body();
        let mut request = self
            .client()
            .await?
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("X-MLflow-Delivery-Id", message.id)
            .header("X-MLflow-Timestamp", seconds.to_string());
        if let Some(sealed) = message.secret {
            let secret = Keys::open_aside(&self.keys, message.webhook, sealed).await?;
            request = request.header("X-MLflow-Signature", sign(&secret, message.id, seconds, &body));
        }
        Ok(request.body(body))
    }
}

async fn answered(mut response: reqwest::Response) -> Outcome {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return failed(&error),
        }
        if bytes.len() >= ANSWER_LIMIT {
            bytes.truncate(ANSWER_LIMIT);
            break;
        }
    }
    Outcome::Answered { status, body: String::from_utf8_lossy(&bytes).into_owned(), retry_after }
}

fn failed(error: &reqwest::Error) -> Outcome {
    let mut why = error.to_string();
    let mut beneath = error.source();
    while let Some(next) = beneath {
        if let Some(blocked) = next.downcast_ref::<Blocked>() {
            return Outcome::Refused(Error::invalid(blocked.to_string()));
        }
        why = next.to_string();
        beneath = next.source();
    }
    if error.is_timeout() {
        why = "the receiver did not answer in time".to_owned();
    }
    Outcome::Unreached(why)
}

/// The header's value: seconds, or a moment.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    let left = moment.timestamp_millis() - now_ms();
    Some(Duration::from_millis(u64::try_from(left).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn waits_double_and_have_an_end() {
        let unit = Duration::from_secs(1);
        let waits: Vec<u64> = (1..9).map(|failures| back_off(failures, 0.0, unit).as_secs()).collect();
        assert_eq!(waits, [0, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(back_off(2, 0.5, unit), Duration::from_millis(2500));
        assert_eq!(back_off(u32::MAX, 1.0, unit), Duration::from_secs(60));
    }

    #[test]
    fn what_is_tried_again() {
        let options = Options::default();
        let answer = |status, retry_after: Option<u64>| Outcome::Answered {
            status,
            body: String::new(),
            retry_after: retry_after.map(Duration::from_secs),
        };
        for status in [429, 500, 502, 503, 504] {
            assert_eq!(answer(status, None).wait(1, &options), Some(Duration::ZERO), "{status}");
            assert_eq!(answer(status, None).wait(4, &options), None);
        }
        for status in [200, 302, 400, 404, 413, 501] {
            assert_eq!(answer(status, None).wait(1, &options), None, "{status}");
        }
        assert_eq!(answer(413, Some(7)).wait(1, &options), Some(Duration::from_secs(7)));
        assert_eq!(answer(429, Some(1 << 40)).wait(1, &options), Some(LONGEST_RETRY_AFTER));
        assert_eq!(answer(404, Some(7)).wait(1, &options), None);
        assert!(Outcome::Unreached(String::new()).wait(1, &options).is_some());
        assert!(Outcome::Refused(Error::invalid("no")).wait(1, &options).is_none());
    }

    #[test]
    fn a_receiver_may_ask_for_time_in_both_forms() {
        let read = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after(&headers)
        };
        assert_eq!(read("12"), Some(Duration::from_secs(12)));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert!(read("Fri, 21 Oct 2050 07:28:00 GMT").unwrap() > Duration::from_secs(1000));
        assert_eq!(read("soon"), None);
    }
}

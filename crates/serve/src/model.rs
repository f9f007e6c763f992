//! Endpoints, their revisions, and the traffic between them.

use ropewalk_core::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far the percentages of a split may add up beside 100.
pub const PERCENT_TOLERANCE: f64 = 0.01;

/// A name that clients call, answered by one or more revisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Endpoint {
    /// Name in the address: `/v2/models/NAME/infer`.
    pub name: String,
    /// Whether a request whose prediction cannot be logged is refused with 503 (the default).
    pub require_log: bool,
    /// When it was first deployed, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// Who deployed it first.
    pub created_by: String,
    /// Its revisions, oldest first.
    pub revisions: Vec<Revision>,
}

/// One model version behind an endpoint, with its share of the traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Revision {
    /// The endpoint it belongs to.
    pub endpoint: String,
    /// Number within the endpoint, from 1.
    pub revision: i64,
    /// Registered model.
    pub model: String,
    /// Version of that model.
    pub version: i64,
    /// Content hash of the bundle (weights, pipeline, signature) that is served.
    pub bundle_hash: String,
    /// Share of the traffic, 0 to 100.
    pub percent: f64,
    /// When it was deployed, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// Who deployed it.
    pub created_by: String,
}

/// What to put behind an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeployRequest {
    /// Endpoint; created by its first deployment. In HTTP it is taken from the path when empty.
    #[serde(default)]
    pub endpoint: String,
    /// Model version: `NAME@ALIAS`, `NAME/VERSION` or `NAME/latest`.
    pub model: String,
    /// Percent of the traffic for the new revision, taken from the others in proportion. Without it the first
    /// revision of an endpoint gets 100 and later ones 0.
    #[serde(default)]
    pub weight: Option<f64>,
    /// Deploy although the version's gates did not pass.
    #[serde(default)]
    pub force: bool,
    /// Changes the endpoint's setting: refuse requests whose prediction cannot be logged.
    #[serde(default)]
    pub require_log: Option<bool>,
}

/// Settings of an endpoint that can be changed; what is not given stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointSettings {
    /// Whether a request whose prediction cannot be logged is refused with 503.
    #[serde(default)]
    pub require_log: Option<bool>,
}

/// One line of a traffic split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrafficShare {
    /// Revision number.
    pub revision: i64,
    /// Percent of the traffic, 0 to 100.
    pub percent: f64,
}

impl TrafficShare {
    /// A share of `percent` for `revision`.
    #[must_use]
    pub fn new(revision: i64, percent: f64) -> Self {
        Self { revision, percent }
    }
}

/// What is being served at this moment, read from the table that routes requests (never from the database).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServedState {
    /// The endpoint.
    pub endpoint: String,
    /// Its revisions, oldest first.
    pub revisions: Vec<ServedRevision>,
    /// Number of the configuration that the table was built from; grows with every change of any endpoint.
    pub generation: i64,
    /// When the table was read, in milliseconds since the Unix epoch.
    pub checked_ms: i64,
    /// Operating-system id of the process that answers.
    pub process_id: u32,
}

impl ServedState {
    /// Percent of the traffic that goes to `revision`; 0 when it is not there.
    #[must_use]
    pub fn percent(&self, revision: i64) -> f64 {
        self.revisions.iter().find(|served| served.revision == revision).map_or(0.0, |served| served.percent)
    }

    /// The revision that gets all the traffic, if one does.
    #[must_use]
    pub fn sole_revision(&self) -> Option<i64> {
        let mut routed = self.revisions.iter().filter(|served| served.percent > 0.0);
        match (routed.next(), routed.next()) {
            (Some(only), None) => Some(only.revision),
            _ => None,
        }
    }

    /// Whether exactly these shares are live, each on a loaded model.
    #[must_use]
    pub fn serves(&self, shares: &[TrafficShare]) -> bool {
        self.revisions.iter().all(|served| {
            let wanted = shares
                .iter()
                .find(|share| share.revision == served.revision)
                .map_or(0.0, |share| share.percent);
            (served.percent - wanted).abs() <= PERCENT_TOLERANCE && (served.percent <= 0.0 || served.loaded)
        }) && shares.iter().all(|share| {
            share.percent <= 0.0 || self.revisions.iter().any(|served| served.revision == share.revision)
        })
    }
}

/// One revision as the routing table holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServedRevision {
    /// Revision number.
    pub revision: i64,
    /// Registered model.
    pub model: String,
    /// Version of that model.
    pub version: i64,
    /// Share of the traffic, 0 to 100.
    pub percent: f64,
    /// Whether its model is in memory and warmed.
    pub loaded: bool,
    /// Content hash of what is in memory (of what should be, while it is not loaded).
    pub bundle_hash: String,
    /// Requests that this process has answered with it.
    pub requests: u64,
    /// Why it could not be loaded, if it could not.
    pub problem: Option<String>,
}

/// One change of an endpoint's traffic, as kept for undoing it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrafficChange {
    /// Number within the endpoint, from 1.
    pub sequence: i64,
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// `deploy`, `traffic` or `rollback`.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// The whole split after the change.
    pub shares: Vec<TrafficShare>,
}

/// Checks an endpoint's name: 1 to 63 of `a-z 0-9 - _ .`, starting with a letter or digit.
///
/// # Errors
/// `Invalid` with the rule.
pub fn check_endpoint_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    let good = (1..=63).contains(&name.len())
        && name.chars().all(allowed)
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if good {
        return Ok(());
    }
    Err(Error::invalid(format!("`{}` cannot name an endpoint", name.escape_debug()))
        .why("a name has 1 to 63 of a-z, 0-9, `-`, `_` and `.`, and starts with a letter or digit"))
}

/// Checks a split and returns it in full: one share for each known revision, 0 where none was named.
///
/// # Errors
/// `Invalid` for an unknown or repeated revision, a percentage outside 0 to 100, or a sum other than 100.
pub fn complete_shares(known: &[i64], shares: &[TrafficShare]) -> Result<Vec<TrafficShare>> {
    let mut sum = 0.0;
    for (position, share) in shares.iter().enumerate() {
        if !known.contains(&share.revision) {
            return Err(Error::invalid(format!("there is no revision {}", share.revision))
                .why(format!("the endpoint has revisions {known:?}"))
                .hint("ropewalk endpoint show NAME"));
        }
        if shares[..position].iter().any(|earlier| earlier.revision == share.revision) {
            return Err(Error::invalid(format!("revision {} is named twice", share.revision)));
        }
        if !(0.0..=100.0).contains(&share.percent) {
            return Err(Error::invalid(format!(
                "{} % for revision {} is no share",
                share.percent, share.revision
            ))
            .why("a share is a number from 0 to 100"));
        }
        sum += share.percent;
    }
    if (sum - 100.0_f64).abs() > PERCENT_TOLERANCE {
        return Err(Error::invalid(format!("the shares add up to {sum} %"))
            .why("they must add up to 100 %")
            .hint("ropewalk endpoint traffic NAME 1=90 2=10"));
    }
    let percent =
        |revision| shares.iter().find(|share| share.revision == revision).map_or(0.0, |share| share.percent);
    Ok(known.iter().map(|&revision| TrafficShare { revision, percent: percent(revision) }).collect())
}

/// The split after adding `newcomer` with `weight` percent, the others giving way in proportion.
///
/// # Errors
/// `Invalid` for a weight outside 0 to 100, or below 100 for the first revision of an endpoint.
pub fn shares_with(
    current: &[TrafficShare],
    newcomer: i64,
    weight: Option<f64>,
) -> Result<Vec<TrafficShare>> {
    let routed: f64 = current.iter().map(|share| share.percent).sum();
    let first = routed <= 0.0;
    let weight = weight.unwrap_or(if first { 100.0 } else { 0.0 });
    if !(0.0..=100.0).contains(&weight) {
        return Err(
            Error::invalid(format!("a weight of {weight} % is no share")).why("it is a number from 0 to 100")
        );
    }
    if first && weight < 100.0 {
        return Err(Error::invalid(format!("the first revision cannot take {weight} % of the traffic"))
            .why("no other revision is there to take the rest"));
    }
    let rest = if first { 0.0 } else { (100.0 - weight) / routed };
    let mut shares: Vec<TrafficShare> =
        current.iter().map(|share| TrafficShare::new(share.revision, share.percent * rest)).collect();
    shares.push(TrafficShare::new(newcomer, weight));
    Ok(shares)
}

/// The revision to fall back to when none is named: the latest older revision that once had all the traffic.
///
/// `history` is newest first. "Older" is older than the newest revision that has traffic now, so that rolling back
/// twice never rolls forward.
#[must_use]
pub fn fallback_revision(current: &[TrafficShare], history: &[TrafficChange]) -> Option<i64> {
    let newest = current.iter().filter(|share| share.percent > 0.0).map(|share| share.revision).max()?;
    history
        .iter()
        .flat_map(|change| &change.shares)
        .find(|share| share.revision < newest && (share.percent - 100.0).abs() <= PERCENT_TOLERANCE)
        .map(|share| share.revision)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn share(revision: i64, percent: f64) -> TrafficShare {
        TrafficShare::new(revision, percent)
    }

    fn change(sequence: i64, shares: Vec<TrafficShare>) -> TrafficChange {
        TrafficChange {
            sequence,
            time_ms: 0,
            kind: "traffic".into(),
            actor: String::new(),
            reason: String::new(),
            shares,
        }
    }

    #[test]
    fn names_are_safe_in_an_address() {
        for good in ["wine", "wine-2", "0.a_b", &"a".repeat(63)] {
            check_endpoint_name(good).unwrap();
        }
        for bad in ["", "Wine", "a/b", "-a", ".", "a b", "ä", &"a".repeat(64)] {
            assert!(check_endpoint_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_split_is_whole_and_known() {
        let full = complete_shares(&[1, 2, 3], &[share(2, 90.0), share(3, 10.0)]).unwrap();
        assert_eq!(full, [share(1, 0.0), share(2, 90.0), share(3, 10.0)]);
        for bad in [
            vec![],
            vec![share(1, 90.0)],
            vec![share(4, 100.0)],
            vec![share(1, 50.0), share(1, 50.0)],
            vec![share(1, 110.0), share(2, -10.0)],
            vec![share(1, f64::NAN), share(2, 100.0)],
            vec![share(1, f64::INFINITY)],
        ] {
            assert!(complete_shares(&[1, 2, 3], &bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_newcomer_takes_from_the_others_in_proportion() {
        assert_eq!(shares_with(&[], 1, None).unwrap(), [share(1, 100.0)]);
        assert_eq!(shares_with(&[share(1, 100.0)], 2, None).unwrap(), [share(1, 100.0), share(2, 0.0)]);
        let shares = shares_with(&[share(1, 75.0), share(2, 25.0)], 3, Some(20.0)).unwrap();
        assert_eq!(shares, [share(1, 60.0), share(2, 20.0), share(3, 20.0)]);
        assert!(shares_with(&[], 1, Some(10.0)).is_err());
        assert!(shares_with(&[share(1, 100.0)], 2, Some(f64::NAN)).is_err());
    }

    #[test]
    fn falling_back_never_goes_forward() {
        let mut history = vec![
            change(4, vec![share(2, 100.0), share(1, 0.0)]),
            change(3, vec![share(1, 50.0), share(2, 50.0)]),
            change(1, vec![share(1, 100.0)]),
        ];
        assert_eq!(fallback_revision(&[share(2, 100.0)], &history), Some(1));
        history.insert(0, change(5, vec![share(1, 100.0)]));
        assert_eq!(fallback_revision(&[share(1, 100.0)], &history), None);
        assert_eq!(fallback_revision(&[share(1, 90.0), share(2, 10.0)], &history), Some(1));
        assert_eq!(fallback_revision(&[], &history), None);
    }

    #[test]
    fn a_served_state_is_compared_as_a_whole() {
        let served = |revision, percent, loaded| ServedRevision {
            revision,
            model: "m".into(),
            version: 1,
            percent,
            loaded,
            bundle_hash: String::new(),
            requests: 0,
            problem: None,
        };
        let state = |revisions| ServedState {
            endpoint: "e".into(),
            revisions,
            generation: 1,
            checked_ms: 0,
            process_id: 1,
        };
        let split = state(vec![served(1, 0.0, false), served(2, 100.0, true)]);
        assert!(split.serves(&[share(2, 100.0)]));
        assert!(!split.serves(&[share(1, 100.0)]));
        assert!(!split.serves(&[share(3, 100.0)]));
        assert_eq!((split.sole_revision(), split.percent(2), split.percent(9)), (Some(2), 100.0, 0.0));
        assert!(!state(vec![served(2, 100.0, false)]).serves(&[share(2, 100.0)]));
    }
}

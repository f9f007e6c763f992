//! The story: red wines, then white ones, then a bad release. Every step is a request that the
//! command line makes, too.

use ropewalk_core::Result;
use ropewalk_data::Frame;

use super::Summary;
use super::explore::{commit_red, deploy, learn, prepare, register};
use super::mishap::{bad_release, close};
use super::narrator::Narrator;
use super::operate::{incidents, mend, serve_red, taste_again, world_changes};
use super::traffic::{Traffic, distinct, shuffled};
use super::wines::{WHITE, divide, mixed, part};
use crate::client::Client;
use crate::up::Server;

pub(super) const TARGET: &str = "quality";
pub(super) const MODEL: &str = "wine-quality";
pub(super) const ENDPOINT: &str = "wine";
pub(super) const SEED: u64 = 7;
pub(super) const TRIALS: u32 = 12;

/// Tell the whole story on a server that has just started.
pub(crate) async fn tell(server: &Server, narrator: &Narrator) -> Result<Summary> {
    let client = Client::remote(&server.address, Some(&server.token))?;
    let mut summary = Summary::default();

    commit_red(&client, narrator).await?;
    let prepared = prepare(&client, narrator).await?;
    let sweep = learn(&client, narrator, &prepared).await?;
    register(&client, narrator, &sweep).await?;
    deploy(&client, narrator).await?;

    let traffic =
        Traffic::new(Client::remote(&server.address, Some(&server.token))?, ENDPOINT, TARGET).await?;
    let held_out_red = part(&client, &prepared.id, "test").await?;
    summary.auc_red = serve_red(&client, narrator, &traffic, &held_out_red).await?;

    let white = shuffled(&distinct(&Frame::from_csv(WHITE)?), SEED);
    let [arriving, flowing, held_out_white] = divide(&white);
    let incident = world_changes(&client, narrator, &traffic, &arriving, &mut summary).await?;

    // From now on both kinds come, as they will stand in the new training data.
    let flow = mixed(&flowing, &held_out_red, arriving.rows(), &prepared)?;
    let stream = traffic.keep_sending(flow.clone());
    let mended = mend(&client, narrator, &incident).await;
    stream.stop().await?;
    mended?;
    summary.auc_white_after = taste_again(narrator, &traffic, &held_out_white, &held_out_red).await?;

    let stream = traffic.keep_sending(flow);
    let undone = bad_release(&client, narrator, &prepared).await;
    stream.stop().await?;
    let rollout = undone?;
    summary.rollback_seconds = rollout.rollback_seconds.unwrap_or(f64::NAN);
    summary.exposure_seconds = rollout.exposure_seconds.unwrap_or(f64::NAN);

    let incidents = incidents(&client).await?;
    summary.incidents = incidents.len();
    summary.requests = traffic.requests();
    summary.failed_requests = traffic.failed();
    close(&client, narrator, &rollout).await?;
    Ok(summary)
}

//! Signs how far the logs of the history have come: records it, vouches for it outside the database, and shows it, in this order. A crash anywhere
//! leaves something that the next round goes on from, and nothing that a later signature contradicts.

use crate::{Parts, anchored_log, every};
use anyhow::{Context, bail};
use tokio::sync::watch;
use transparency::{Lease, Log, Logs, Note};
use vault::{Signer, VouchedTree, signature_holds};

pub(crate) async fn run(parts: Parts, stopping: watch::Receiver<bool>) {
    let interval = parts.settings.checkpoint_interval;
    every(parts, stopping, interval, "publish_checkpoints", |parts| async move {
        publish_checkpoints(&parts.logs, &parts.vault.signer().await?).await.map(drop)
    })
    .await;
}

/// One round. `false`: another process has the logs in its hands.
pub async fn publish_checkpoints(logs: &Logs, signer: &Signer) -> anyhow::Result<bool> {
    let Some(mut lease) = logs.acquire().await? else { return Ok(false) };
    let outcome = publish(logs, signer, &mut lease).await;
    logs.release(lease).await?;
    outcome.map(|()| true)
}

async fn publish(logs: &Logs, signer: &Signer, lease: &mut Lease) -> anyhow::Result<()> {
    anchored_log::check(logs, signer).await?;
    logs.record(lease).await?;
    let unsigned = logs.unsigned().await?;
    if unsigned.checkpoints.is_empty() {
        return Ok(());
    }
    let tree = VouchedTree { size: unsigned.platform_size, root: unsigned.platform_root };
    let vouched = signer.vouched().await?;
    if let Some(vouched) = vouched {
        check_goes_on(logs, vouched, tree).await?;
    }
    let end = logs.end().await?.context("checkpoints wait to be signed, and the log holds no recording of any")?;
    signer.vouch(vouched, tree, end).await?;
    let public = signer.public_key();
    let texts = unsigned.texts(&public);
    let signatures = signer.sign(&texts);
    let notes = unsigned.checkpoints.iter().zip(texts.into_iter().zip(signatures)).map(|((log, _, _), (text, signature))| {
        let key = log.verifier_key(public);
        let note = Note { text, signatures: vec![key.line(signature)] };
        debug_assert!(key.signed(&note, signature_holds));
        note.to_string()
    });
    Ok(logs.publish(lease, &unsigned, &notes.collect::<Vec<_>>()).await?)
}

/// What was vouched for is the beginning of what would be.
async fn check_goes_on(logs: &Logs, vouched: VouchedTree, tree: VouchedTree) -> anyhow::Result<()> {
    if vouched.size > tree.size {
        bail!("the log holds {} checkpoints, and {} were signed: events were lost, and nothing more is signed", tree.size, vouched.size);
    }
    let then = logs.root_at(Log::Platform, vouched.size).await.context("the tree that was signed last cannot be computed")?;
    if then != vouched.root {
        bail!("the first {} checkpoints are not those that were signed: the log was changed, and nothing more is signed", vouched.size);
    }
    Ok(())
}

//! What was signed of the log is remembered outside the database. While the log lacks it, nothing is wrapped again and nothing signed.

use anyhow::bail;
use transparency::Logs;
use vault::Signer;

/// Every start looks, too; here it is looked again, since a database can fall back under a running process.
pub(crate) async fn check(logs: &Logs, signer: &Signer) -> anyhow::Result<()> {
    let Some(end) = signer.end().await? else { return Ok(()) };
    if !logs.holds(&end).await? {
        bail!("events were lost: what was signed of the log until {} is not in it, and nothing more is signed or wrapped again", end.at);
    }
    Ok(())
}

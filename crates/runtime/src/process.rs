//! Facts about this process and the signals that stop it.

use tokio::signal::unix::{SignalKind, signal};

/// Resident memory of this process in bytes (`/proc/self/statm`); 0 where it cannot be read.
#[must_use]
pub fn rss_bytes() -> u64 {
    const PAGE: u64 = 4096;
    std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()))
        .map_or(0, |pages| pages * PAGE)
}

/// Waits for SIGTERM or SIGINT and names it.
pub async fn stop_signal() -> &'static str {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signal handlers cannot be installed; only a kill stops this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => "SIGTERM",
        _ = int.recv() => "SIGINT",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn rss_is_plausible() {
        assert!(super::rss_bytes() > 100_000);
    }
}

//! Renewal: at two thirds of the certificate's life the machine makes a fresh key and asks for the next certificate over
//! its present mutual TLS.
//!
//! Whatever happens in the middle, there is a pair that works: the centre takes the present certificate until the next
//! one was first shown (and a while longer), and the file of the pair is replaced as a whole before it is used.

use base::{Coded, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use crate::enrol::request;
use crate::error::{CLOCK_OFF, LinkError};
use crate::identity::Identity;
use crate::line::{Line, body, unreachable};
use crate::tls::certificates;

/// How often a machine looks after its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looks {
    /// The centre is asked so often how the certificate stands.
    pub every: Duration,
    /// The pause after something went wrong.
    pub again: Duration,
}

impl Default for Looks {
    /// Every hour; ten minutes after something went wrong.
    fn default() -> Self {
        Self { every: Duration::from_secs(3_600), again: Duration::from_secs(600) }
    }
}

/// A clock farther from the centre's is warned of.
const CLOCK_MICROS: i64 = 300_000_000;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the certificate stands after a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is young enough.
    Kept {
        /// Its end.
        until: Timestamp,
        /// The warning about this machine's clock, where there is one.
        clock: Option<Problem>,
    },
    /// There is a new one.
    Renewed {
        /// Its end.
        until: Timestamp,
        /// The warning about this machine's clock, where there is one.
        clock: Option<Problem>,
    },
}

/// How the centre sees the certificate that is shown to it.
#[derive(Debug, Deserialize)]
struct Standing {
    renew: bool,
    now: Timestamp,
}

#[derive(Serialize)]
struct Wish<'a> {
    csr_pem: &'a str,
}

#[derive(Deserialize)]
struct Given {
    certificate_pem: String,
}

/// What stands in a certificate.
struct Paper {
    name: String,
    begins: Timestamp,
    ends: Timestamp,
}

impl Paper {
    fn of(pem: &str) -> Result<Self, LinkError> {
        let found = certificates(pem)?;
        let der = found.first().ok_or_else(|| LinkError::key("no certificate"))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(der).map_err(LinkError::key)?;
        let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        let validity = parsed.validity();
        let at = |seconds: i64| Timestamp::from_micros(seconds.saturating_mul(1_000_000));
        Ok(Self {
            name: name.unwrap_or_default().to_owned(),
            begins: at(validity.not_before.timestamp()),
            ends: at(validity.not_after.timestamp()),
        })
    }

    /// When two thirds of the life are over.
    fn due(&self) -> Timestamp {
        Timestamp::from_micros(self.begins.as_micros().saturating_add(self.ends.since(self.begins) / 3 * 2))
    }
}

impl Line {
    /// When the present certificate ends.
    ///
    /// # Errors
    /// [`LinkError::Key`] when it cannot be read.
    pub fn valid_until(&self) -> Result<Timestamp, LinkError> {
        Ok(Paper::of(&self.identity().pair_pem)?.ends)
    }

    /// One look at the certificate, and its renewal when that is due by this machine's clock or by the centre's.
    ///
    /// # Errors
    /// [`LinkError::Refused`] for a machine that is revoked or whose certificate the centre does not know,
    /// [`LinkError::Ended`] for a certificate that has ended, [`LinkError::Foreign`] for a new one that is not for this
    /// machine, and what else can go wrong on the way; the present pair stays in use.
    pub async fn renew_if_due(&self) -> Result<Step, LinkError> {
        let identity = self.identity();
        let present = Paper::of(&identity.pair_pem)?;
        match self.look(identity, &present).await {
            // A clock of one's own may be wrong, so the centre was asked; it says no more than that the line broke.
            Err(LinkError::Centre(why)) if self.0.env.now() >= present.ends => {
                Err(LinkError::Ended(format!("{}; {why}", present.ends)))
            }
            outcome => outcome,
        }
    }

    async fn look(&self, identity: Identity, present: &Paper) -> Result<Step, LinkError> {
        let standing = self.standing().await?;
        let now = self.0.env.now();
        let clock = standing.as_ref().and_then(|standing| {
            let off = now.since(standing.now);
            let detail = format!("{} seconds ahead of the centre", off / 1_000_000);
            (off.saturating_abs() > CLOCK_MICROS).then(|| Problem::new(&CLOCK_OFF, detail))
        });
        // The centre's word counts more than a clock of one's own that may be wrong.
        if !standing.map_or(now >= present.due(), |standing| standing.renew) {
            return Ok(Step::Kept { until: present.ends, clock });
        }
        let (key, csr_pem) = request(&present.name)?;
        let answer = self.client().post(self.door("certificate")).json(&Wish { csr_pem: &csr_pem }).timeout(PATIENCE);
        let given = answered(answer.send().await.map_err(unreachable)?).await?;
        let given: Given = serde_json::from_slice(&given).map_err(|error| LinkError::Centre(error.to_string()))?;
        let fresh = Paper::of(&given.certificate_pem)?;
        if fresh.name != present.name {
            return Err(LinkError::Foreign(base::code::excerpt(&fresh.name)));
        }
        if fresh.ends <= present.ends {
            return Err(LinkError::Foreign("it ends before the present one".to_owned()));
        }
        self.take(identity.with_pair(&key.serialize_pem(), &given.certificate_pem))?;
        Ok(Step::Renewed { until: fresh.ends, clock })
    }

    /// What the centre says; nothing from a centre that does not know the question.
    async fn standing(&self) -> Result<Option<Standing>, LinkError> {
        let answer = self.client().get(self.door("certificate")).timeout(PATIENCE).send().await.map_err(unreachable)?;
        if answer.status().as_u16() == 404 {
            return Ok(None);
        }
        let said = answered(answer).await?;
        serde_json::from_slice(&said).map(Some).map_err(|error| LinkError::Centre(error.to_string()))
    }

    /// What does not end by itself is an error, the rest a warning.
    fn told(&self, error: &LinkError) {
        let (problem, until) = (error.problem(), self.valid_until().map(|until| until.to_string()).unwrap_or_default());
        if matches!(error, LinkError::Ended(_) | LinkError::Refused { status: 403, .. }) {
            tracing::error!(%problem, valid_until = until, "this machine has no certificate that its centre takes");
        } else {
            tracing::warn!(%problem, valid_until = until, "the certificate was not looked after");
        }
    }

    /// Looks after the certificate until cancelled; the first look comes at once.
    pub async fn keep_renewed(self, looks: Looks, cancel: CancellationToken) {
        loop {
            let looked = tokio::select! {
                () = cancel.cancelled() => return,
                looked = self.renew_if_due() => looked,
            };
            let pause = match looked {
                Ok(step) => {
                    step.told();
                    looks.every
                }
                Err(error) => {
                    self.told(&error);
                    looks.again
                }
            };
            // A fleet that started together does not ask together.
            let [byte] = self.0.env.bytes::<1>();
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(pause / 2 + pause * u32::from(byte) / 256) => {}
            }
        }
    }
}

impl Step {
    fn told(&self) {
        let (Self::Kept { clock, until } | Self::Renewed { clock, until }) = self;
        if let Some(problem) = clock {
            tracing::warn!(%problem, "the clock of this machine is off");
        }
        match self {
            Self::Kept { .. } => tracing::debug!(valid_until = %until, "the certificate is young enough"),
            Self::Renewed { .. } => tracing::info!(valid_until = %until, "the certificate was renewed"),
        }
    }
}

async fn answered(answer: reqwest::Response) -> Result<Vec<u8>, LinkError> {
    let status = answer.status();
    let said = body(answer).await?;
    if status.is_success() {
        return Ok(said);
    }
    let detail = base::code::excerpt(&String::from_utf8_lossy(&said));
    Err(LinkError::Refused { status: status.as_u16(), detail })
}

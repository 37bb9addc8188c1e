//! The gate between machines and their centre: a machine can be killed at a moment of its renewal.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::listen::Peer;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use super::killed::Running;

/// A moment of a renewal as the centre sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The request for the next certificate is here; the centre has done nothing yet.
    Asked,
    /// The next certificate is given; the answer has not gone out.
    Given,
    /// So long after the answer went out: the machine checks, writes, renames, goes on.
    Answered(Duration),
    /// The next certificate is shown for the first time; the centre has done nothing yet.
    Shown,
    /// It has become the present one; the machine has not heard yet.
    Taken,
}

#[derive(Default)]
struct Held {
    moment: Option<Moment>,
    victim: Option<Running>,
    /// The serial number that asked for the next certificate.
    asked_with: Option<String>,
}

/// Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<Mutex<Held>>);

impl Gate {
    /// From now on this process dies at this moment.
    pub(super) fn kill_at(&self, moment: Moment, victim: Running) {
        *self.0.lock().unwrap() = Held { moment: Some(moment), victim: Some(victim), asked_with: None };
    }

    /// Whether the victim is dead.
    pub(super) fn is_over(&self) -> bool {
        self.0.lock().unwrap().victim.is_none()
    }

    fn reached(&self, here: Moment) {
        let mut held = self.0.lock().unwrap();
        if held.moment == Some(here) {
            held.moment = None;
            drop(held.victim.take().expect("a victim for the moment"));
        }
    }

    pub(super) async fn pass(self, request: Request, next: Next) -> Response {
        let serial = request.extensions().get::<Peer>().and_then(|peer| Some(peer.machine.clone()?.1));
        let asks = request.method() == Method::POST && request.uri().path().ends_with("/certificate");
        let shows = self.0.lock().unwrap().asked_with.as_ref().is_some_and(|with| Some(with) != serial.as_ref());
        if asks {
            self.reached(Moment::Asked);
        }
        if shows {
            self.reached(Moment::Shown);
        }
        let response = next.run(request).await;
        if asks && response.status().is_success() {
            self.0.lock().unwrap().asked_with = serial;
            self.reached(Moment::Given);
            if let Some(moment @ Moment::Answered(after)) = self.0.lock().unwrap().moment {
                let gate = self.clone();
                std::thread::spawn(move || {
                    std::thread::sleep(after);
                    gate.reached(moment);
                });
            }
        }
        if shows {
            self.reached(Moment::Taken);
        }
        response
    }
}

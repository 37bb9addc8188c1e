//! A record of the journal: the number of the first event, then lines.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use logwire::attack::AttackEvent;

/// A block being filled.
#[derive(Debug, Default)]
pub(super) struct Draft {
    lines: BytesMut,
    events: u64,
}

impl Draft {
    pub(super) fn push(&mut self, event: &AttackEvent) {
        // An event is made of plain values; if one cannot be written its line stays, so that numbers stay right.
        self.lines.extend_from_slice(&serde_json::to_vec(event).unwrap_or_else(|_| b"{}".to_vec()));
        self.lines.put_u8(b'\n');
        self.events += 1;
    }

    /// How many events it holds.
    pub(super) const fn events(&self) -> u64 {
        self.events
    }

    /// Bytes of its lines.
    pub(super) fn bytes(&self) -> usize {
        self.lines.len()
    }

    /// The record, its first event having this number.
    pub(super) fn record(&self, first: u64) -> Bytes {
        let mut out = BytesMut::with_capacity(self.lines.len() + 8);
        out.put_u64(first);
        out.extend_from_slice(&self.lines);
        out.freeze()
    }
}

/// A block being read.
pub(super) struct Block {
    pub(super) first: u64,
    pub(super) lines: Vec<Bytes>,
}

impl Block {
    pub(super) fn read(data: &Bytes) -> Option<Self> {
        let mut rest = data.clone();
        let first = (rest.len() >= 8).then(|| rest.get_u64())?;
        let mut lines = Vec::new();
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            lines.push(rest.split_to(end));
            rest.advance(1);
        }
        Some(Self { first, lines })
    }

    pub(super) fn last(&self) -> u64 {
        self.first + (self.lines.len() as u64).saturating_sub(1)
    }
}

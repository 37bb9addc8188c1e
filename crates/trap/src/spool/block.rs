//! A record of the journal: the number of the first event, then lines.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use logwire::attack::AttackEvent;

/// A block being read.
pub(super) struct Block {
    pub(super) first: u64,
    pub(super) lines: Vec<Bytes>,
}

impl Block {
    pub(super) fn write(first: u64, events: &[AttackEvent]) -> Bytes {
        let mut out = BytesMut::with_capacity(events.len() * 320 + 8);
        out.put_u64(first);
        for event in events {
            // An event is made of plain values; if one cannot be written its line stays, so that numbers stay right.
            out.extend_from_slice(&serde_json::to_vec(event).unwrap_or_else(|_| b"{}".to_vec()));
            out.put_u8(b'\n');
        }
        out.freeze()
    }

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

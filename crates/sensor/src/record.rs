//! What intake writes into the journal: one record per acknowledged part of a request.
//!
//! A header line of JSON, then the raw 32-byte keys of lines, then one line per event: the number of its sensor in the
//! header, a tab, and the event's JSON as it was acknowledged.

use base::{OrgId, Realm, SensorId, Timestamp, Tlp};
use serde::{Deserialize, Serialize};

/// What stands before the events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of this form: 1.
    pub v: u8,
    /// Whose events they are.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Marking of the events.
    pub tlp: Tlp,
    /// When they arrived.
    pub at: Timestamp,
    /// The sensors that the events' numbers mean.
    pub sensors: Vec<SensorId>,
    /// Epoch and intervals of numbers of a sensor's batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// How many keys follow.
    pub keys: usize,
}

/// Which of a sensor's numbers a record holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The sensor's epoch.
    pub epoch: u64,
    /// First and last number of each interval.
    pub taken: Vec<(u64, u64)>,
}

/// A record being written.
#[derive(Debug)]
pub struct Writer {
    keys: Vec<[u8; 32]>,
    events: Vec<u8>,
    count: u64,
}

/// A record grows to this size, then the next one begins.
pub const TARGET_BYTES: usize = 1 << 20;

impl Writer {
    /// An empty record.
    #[must_use]
    pub const fn new() -> Self {
        Self { keys: Vec::new(), events: Vec::new(), count: 0 }
    }

    /// Adds the key of an accepted line.
    pub fn key(&mut self, key: [u8; 32]) {
        self.keys.push(key);
    }

    /// Adds an event's JSON text, which holds no line end.
    pub fn event(&mut self, sensor: usize, json: &[u8]) {
        self.events.extend_from_slice(sensor.to_string().as_bytes());
        self.events.push(b'\t');
        self.events.extend_from_slice(json);
        self.events.push(b'\n');
        self.count += 1;
    }

    /// How many events it holds.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.count
    }

    /// How many bytes it has so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.keys.len() * 32 + self.events.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.events.is_empty()
    }

    /// The keys it holds.
    #[must_use]
    pub fn keys(&self) -> &[[u8; 32]] {
        &self.keys
    }

    /// The record's bytes.
    ///
    /// # Errors
    /// Those of JSON, for a header that cannot be written.
    pub fn finish(&self, mut header: Header) -> Result<Vec<u8>, serde_json::Error> {
        header.keys = self.keys.len();
        let mut out = serde_json::to_vec(&header)?;
        out.reserve(1 + self.len());
        out.push(b'\n');
        out.extend(self.keys.iter().flatten());
        out.extend_from_slice(&self.events);
        Ok(out)
    }
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

/// A record being read.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// The header.
    pub header: Header,
    keys: &'a [u8],
    events: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads a record; none for bytes of another form.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let header: Header = serde_json::from_slice(bytes.get(..end)?).ok().filter(|header: &Header| header.v == 1)?;
        let rest = bytes.get(end + 1..)?;
        let split = header.keys.checked_mul(32)?;
        Some(Self { keys: rest.get(..split)?, events: rest.get(split..)?, header })
    }

    /// The keys of the lines.
    pub fn keys(&self) -> impl Iterator<Item = [u8; 32]> + 'a {
        self.keys.as_chunks::<32>().0.iter().copied()
    }

    /// The events: sensor and JSON text.
    pub fn events(&self) -> impl Iterator<Item = (SensorId, &'a str)> + '_ {
        self.events.split(|byte| *byte == b'\n').filter_map(|line| {
            let (number, json) = std::str::from_utf8(line).ok()?.split_once('\t')?;
            Some((*self.header.sensors.get(number.parse::<usize>().ok()?)?, json))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header() -> Header {
        Header {
            v: 1,
            org: OrgId(uuid::Uuid::from_u128(1)),
            realm: Realm::Real,
            tlp: Tlp::Amber,
            at: Timestamp::from_micros(5),
            sensors: vec![SensorId(uuid::Uuid::from_u128(2)), SensorId(uuid::Uuid::from_u128(3))],
            batch: Some(Batch { epoch: 9, taken: vec![(1, 4), (7, 7)] }),
            keys: 0,
        }
    }

    proptest! {
        #[test]
        fn comes_back(keys in proptest::collection::vec(any::<[u8; 32]>(), 0..4),
            events in proptest::collection::vec((0_usize..2, "[^\n]{0,20}"), 0..6)) {
            let mut writer = Writer::new();
            keys.iter().for_each(|key| writer.key(*key));
            events.iter().for_each(|(sensor, json)| writer.event(*sensor, json.as_bytes()));
            let bytes = writer.finish(header()).unwrap();
            let record = Record::parse(&bytes).unwrap();
            prop_assert_eq!(record.keys().collect::<Vec<_>>(), keys);
            let sensors = header().sensors;
            let want: Vec<_> = events.iter().map(|(n, json)| (sensors[*n], json.as_str())).collect();
            prop_assert_eq!(record.events().collect::<Vec<_>>(), want);
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(record) = Record::parse(&bytes) {
                let _seen = (record.keys().count(), record.events().count());
            }
        }
    }
}

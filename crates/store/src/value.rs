//! Values and rows, the same on both databases.

use base::{AddressScope, Realm, Timestamp, Tlp};
use std::sync::Arc;
use uuid::Uuid;

use crate::error::StoreError;

/// A value bound to a statement or read from a row. Booleans are stored as 0 and 1, times as microseconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// INTEGER / BIGINT.
    Int(i64),
    /// REAL / DOUBLE PRECISION.
    Real(f64),
    /// TEXT.
    Text(String),
    /// BLOB / BYTEA.
    Bytes(Vec<u8>),
    /// BLOB of 16 bytes / UUID.
    Uuid(Uuid),
}

macro_rules! into_value {
    ($($ty:ty => |$v:ident| $make:expr;)*) => {$(
        impl From<$ty> for Value { fn from($v: $ty) -> Self { $make } }
    )*};
}

into_value! {
    i64 => |v| Self::Int(v);
    i32 => |v| Self::Int(i64::from(v));
    u32 => |v| Self::Int(i64::from(v));
    u16 => |v| Self::Int(i64::from(v));
    u8 => |v| Self::Int(i64::from(v));
    u64 => |v| Self::Int(i64::try_from(v).unwrap_or(i64::MAX));
    usize => |v| Self::Int(i64::try_from(v).unwrap_or(i64::MAX));
    bool => |v| Self::Int(i64::from(v));
    f64 => |v| Self::Real(v);
    String => |v| Self::Text(v);
    &str => |v| Self::Text(v.to_owned());
    &String => |v| Self::Text(v.clone());
    Vec<u8> => |v| Self::Bytes(v);
    &[u8] => |v| Self::Bytes(v.to_vec());
    [u8; 32] => |v| Self::Bytes(v.to_vec());
    Uuid => |v| Self::Uuid(v);
    Timestamp => |v| Self::Int(v.as_micros());
    Tlp => |v| Self::Int(v.rank());
    Realm => |v| Self::Text(v.to_string());
    AddressScope => |v| Self::Text(v.key());
    base::OrgId => |v| Self::Uuid(v.0);
    base::PersonId => |v| Self::Uuid(v.0);
    base::SensorId => |v| Self::Uuid(v.0);
    base::SessionId => |v| Self::Uuid(v.0);
    base::CampaignId => |v| Self::Uuid(v.0);
    base::FindingId => |v| Self::Uuid(v.0);
    base::IndicatorId => |v| Self::Uuid(v.0);
    base::DirectiveId => |v| Self::Uuid(v.0);
    base::PointId => |v| Self::Uuid(v.0);
    base::EventId => |v| Self::Uuid(v.0);
    base::JobId => |v| Self::Uuid(v.0);
    base::TokenId => |v| Self::Uuid(v.0);
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Builds the parameter list of a statement: `params![id, name, at]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::Value::from($value)),*] };
}

/// A row of a result.
#[derive(Debug, Clone)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// A row of the given columns.
    #[must_use]
    pub fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// The column's value as the wanted type.
    ///
    /// # Errors
    /// [`StoreError::Shape`] when there is no such column or its value is of another type.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, StoreError> {
        let value = self
            .columns
            .iter()
            .position(|name| name == column)
            .and_then(|index| self.values.get(index))
            .ok_or_else(|| StoreError::Shape(format!("no column {column}")))?;
        T::from_value(value).ok_or_else(|| StoreError::Shape(format!("column {column} has another type")))
    }
}

/// A type that can be read from a column.
pub trait FromValue: Sized {
    /// The value, or none when it is of another type.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($ty:ty => |$v:ident| $make:expr;)*) => {$(
        impl FromValue for $ty { fn from_value($v: &Value) -> Option<Self> { $make } }
    )*};
}

fn int(value: &Value) -> Option<i64> {
    if let Value::Int(number) = value { Some(*number) } else { None }
}

fn uuid(value: &Value) -> Option<Uuid> {
    match value {
        Value::Uuid(id) => Some(*id),
        Value::Bytes(bytes) => Uuid::from_slice(bytes).ok(),
        _ => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

from_value! {
    Value => |v| Some(v.clone());
    i64 => |v| int(v);
    u64 => |v| int(v).and_then(|n| u64::try_from(n).ok());
    u32 => |v| int(v).and_then(|n| u32::try_from(n).ok());
    u16 => |v| int(v).and_then(|n| u16::try_from(n).ok());
    u8 => |v| int(v).and_then(|n| u8::try_from(n).ok());
    usize => |v| int(v).and_then(|n| usize::try_from(n).ok());
    bool => |v| int(v).map(|n| n != 0);
    f64 => |v| if let Value::Real(number) = v { Some(*number) } else { int(v).map(|n| n as f64) };
    String => |v| text(v).map(str::to_owned);
    Vec<u8> => |v| if let Value::Bytes(bytes) = v { Some(bytes.clone()) } else { None };
    Uuid => |v| uuid(v);
    Timestamp => |v| int(v).map(Self::from_micros);
    Tlp => |v| int(v).map(Self::from_rank);
    Realm => |v| text(v).and_then(|t| t.parse().ok());
    AddressScope => |v| text(v).and_then(Self::from_key);
    base::OrgId => |v| uuid(v).map(Self);
    base::PersonId => |v| uuid(v).map(Self);
    base::SensorId => |v| uuid(v).map(Self);
    base::SessionId => |v| uuid(v).map(Self);
    base::CampaignId => |v| uuid(v).map(Self);
    base::FindingId => |v| uuid(v).map(Self);
    base::IndicatorId => |v| uuid(v).map(Self);
    base::DirectiveId => |v| uuid(v).map(Self);
    base::PointId => |v| uuid(v).map(Self);
    base::EventId => |v| uuid(v).map(Self);
    base::JobId => |v| uuid(v).map(Self);
    base::TokenId => |v| uuid(v).map(Self);
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        if *value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

//! Values to and from PostgreSQL's binary form, by the type the server asks for or answers with.

use bytes::{BufMut, BytesMut};
use std::error::Error;
use std::sync::Arc;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::value::{Row, Value};

/// A value that does not fit the type the statement wants.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Misfit(String);

type Fault = Box<dyn Error + Sync + Send>;

/// A parameter.
#[derive(Debug)]
pub(super) struct Param<'a>(&'a Value);

/// Whether every parameter and column of a statement is of a type that a value can have.
pub(super) fn fits(statement: &tokio_postgres::Statement) -> Result<(), String> {
    const PARAMS: [Type; 12] = [
        Type::INT8,
        Type::INT4,
        Type::INT2,
        Type::BOOL,
        Type::FLOAT8,
        Type::TEXT,
        Type::VARCHAR,
        Type::BPCHAR,
        Type::NAME,
        Type::UNKNOWN,
        Type::BYTEA,
        Type::UUID,
    ];
    const COLUMNS: [Type; 2] = [Type::FLOAT4, Type::NUMERIC];
    if let Some((number, ty)) = statement.params().iter().enumerate().find(|(_, ty)| !PARAMS.contains(ty)) {
        return Err(format!("no value fits the parameter ${} of type {ty}", number + 1));
    }
    let strange = |ty: &Type| !PARAMS.contains(ty) && !COLUMNS.contains(ty);
    match statement.columns().iter().find(|column| strange(column.type_())) {
        Some(column) => Err(format!("the answer has a column {} of type {}", column.name(), column.type_())),
        None => Ok(()),
    }
}

/// All parameters of a statement.
pub(super) fn all(params: &[Value]) -> impl ExactSizeIterator<Item = Param<'_>> {
    params.iter().map(Param)
}

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        let misfit = || Misfit(format!("a value of another kind than {ty} was bound"));
        match (self.0, ty) {
            (Value::Null, _) => return Ok(IsNull::Yes),
            (Value::Int(n), &Type::INT8) => out.put_i64(*n),
            (Value::Int(n), &Type::INT4) => out.put_i32(i32::try_from(*n).map_err(|_| misfit())?),
            (Value::Int(n), &Type::INT2) => out.put_i16(i16::try_from(*n).map_err(|_| misfit())?),
            (Value::Int(n), &Type::BOOL) => out.put_u8(u8::from(*n != 0)),
            (Value::Int(n), &Type::FLOAT8) => out.put_f64(*n as f64),
            (Value::Real(n), &Type::FLOAT8) => out.put_f64(*n),
            (Value::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::BPCHAR | &Type::NAME | &Type::UNKNOWN) => {
                if text.contains('\0') {
                    return Err(Misfit("text with a NUL character".into()).into());
                }
                out.put_slice(text.as_bytes());
            }
            (Value::Bytes(bytes), &Type::BYTEA) => out.put_slice(bytes),
            (Value::Bytes(bytes), &Type::UUID) if bytes.len() == 16 => out.put_slice(bytes),
            (Value::Uuid(id), &Type::UUID | &Type::BYTEA) => out.put_slice(id.as_bytes()),
            _ => return Err(misfit().into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        // The type is checked with the value at hand.
        true
    }

    to_sql_checked!();
}

/// A cell of an answer.
struct Cell(Value);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        Ok(Self(match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Int(bool::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Value::Real(f64::from_sql(ty, raw)?),
            Type::FLOAT4 => Value::Real(f32::from_sql(ty, raw)?.into()),
            Type::NUMERIC => numeric(raw).ok_or_else(|| Misfit("a number that is neither integer nor real".into()))?,
            Type::BYTEA => Value::Bytes(raw.to_vec()),
            Type::UUID => Value::Uuid(uuid::Uuid::from_slice(raw)?),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
                Value::Text(std::str::from_utf8(raw)?.to_owned())
            }
            _ => return Err(Misfit(format!("the answer has a column of type {ty}")).into()),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Fault> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A row of an answer.
pub(super) fn row(row: &tokio_postgres::Row, columns: &Arc<[String]>) -> Result<Row, tokio_postgres::Error> {
    let values = (0..row.len()).map(|i| row.try_get::<_, Cell>(i).map(|cell| cell.0)).collect::<Result<_, _>>()?;
    Ok(Row::new(Arc::clone(columns), values))
}

/// NUMERIC, which is what a SUM of integers is: an integer where it is one, else a real as SQLite would answer.
fn numeric(raw: &[u8]) -> Option<Value> {
    const NEGATIVE: u16 = 0x4000;
    let mut fields = raw.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair));
    let (count, weight, sign, _scale) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let weight = i32::from(weight.cast_signed());
    let digits: Vec<u16> = fields.collect();
    if digits.len() != usize::from(count) || (sign != 0 && sign != NEGATIVE) {
        return None;
    }
    let whole = digits.iter().zip(0_i32..).all(|(digit, i)| i <= weight || *digit == 0);
    let sum = || -> Option<i64> {
        let mut number = 0_i64;
        for i in 0..=weight {
            let digit = usize::try_from(i).ok().and_then(|i| digits.get(i)).copied().unwrap_or(0);
            number = number.checked_mul(10_000)?.checked_sub(digit.into())?;
        }
        if sign == NEGATIVE { Some(number) } else { number.checked_neg() }
    };
    if whole && let Some(number) = sum() {
        return Some(Value::Int(number));
    }
    let size: f64 = digits.iter().zip(0_i32..).map(|(d, i)| f64::from(*d) * 10_000_f64.powi(weight - i)).sum();
    Some(Value::Real(if sign == NEGATIVE { -size } else { size }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(weight: i16, sign: u16, digits: &[u16]) -> Vec<u8> {
        let head = [u16::try_from(digits.len()).unwrap(), weight.cast_unsigned(), sign, 0];
        head.iter().chain(digits).flat_map(|field| field.to_be_bytes()).collect()
    }

    #[test]
    fn sums_and_means() {
        assert_eq!(numeric(&raw(0, 0, &[])), Some(Value::Int(0)));
        assert_eq!(numeric(&raw(1, 0, &[1, 2])), Some(Value::Int(10_002)));
        assert_eq!(numeric(&raw(1, 0x4000, &[1])), Some(Value::Int(-10_000)));
        assert_eq!(numeric(&raw(4, 0x4000, &[922, 3372, 368, 5477, 5808])), Some(Value::Int(i64::MIN)));
        assert_eq!(numeric(&raw(0, 0, &[2, 5000])), Some(Value::Real(2.5)));
        assert_eq!(numeric(&raw(0, 0xc000, &[])), None);
        assert!(matches!(numeric(&raw(9, 0, &[1])), Some(Value::Real(r)) if r > 9e35));
    }
}

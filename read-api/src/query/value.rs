//! Values that a query is given.

use bytes::{BufMut, BytesMut};
use chrono::{DateTime, NaiveDate, Utc};
use event_store::wire::encode;
use uuid::Uuid;

use super::DAY_2000;

/// A value of a query.
pub trait Value {
    /// PostgreSQL's number of its type.
    const TYPE: u32;
    /// PostgreSQL's number of the type of an array of such values.
    const ARRAY: u32;

    /// Appends its length and its binary form.
    fn put(&self, bytes: &mut BytesMut);
}

impl Value for bool {
    const TYPE: u32 = 16;
    const ARRAY: u32 = 1000;

    fn put(&self, bytes: &mut BytesMut) {
        encode::raw(bytes, &[u8::from(*self)]);
    }
}

impl Value for i64 {
    const TYPE: u32 = 20;
    const ARRAY: u32 = 1016;

    fn put(&self, bytes: &mut BytesMut) {
        encode::bigint(bytes, *self);
    }
}

impl Value for i32 {
    const TYPE: u32 = 23;
    const ARRAY: u32 = 1007;

    fn put(&self, bytes: &mut BytesMut) {
        encode::integer(bytes, *self);
    }
}

impl Value for &str {
    const TYPE: u32 = 25;
    const ARRAY: u32 = 1009;

    fn put(&self, bytes: &mut BytesMut) {
        encode::raw(bytes, self.as_bytes());
    }
}

impl Value for NaiveDate {
    const TYPE: u32 = 1082;
    const ARRAY: u32 = 1182;

    fn put(&self, bytes: &mut BytesMut) {
        use chrono::Datelike;
        encode::integer(bytes, self.num_days_from_ce() - DAY_2000);
    }
}

impl Value for DateTime<Utc> {
    const TYPE: u32 = 1184;
    const ARRAY: u32 = 1185;

    fn put(&self, bytes: &mut BytesMut) {
        encode::time(bytes, *self);
    }
}

impl Value for Uuid {
    const TYPE: u32 = 2950;
    const ARRAY: u32 = 2951;

    fn put(&self, bytes: &mut BytesMut) {
        encode::uuid(bytes, *self);
    }
}

impl<T: Value> Value for Option<T> {
    const TYPE: u32 = T::TYPE;
    const ARRAY: u32 = T::ARRAY;

    fn put(&self, bytes: &mut BytesMut) {
        match self {
            Some(value) => value.put(bytes),
            None => bytes.put_i32(-1),
        }
    }
}

impl<T: Value> Value for &[T] {
    const TYPE: u32 = T::ARRAY;
    // PostgreSQL has no arrays of arrays.
    const ARRAY: u32 = 0;

    fn put(&self, bytes: &mut BytesMut) {
        let start = bytes.len();
        bytes.put_i32(0);
        let values: Vec<&T> = self.iter().collect();
        encode::array(bytes, T::TYPE, &values, |bytes, value| value.put(bytes));
        // A query is far below 2 GiB.
        let length = (bytes.len() - start - 4) as i32;
        bytes[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
}

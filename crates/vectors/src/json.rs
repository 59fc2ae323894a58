//! The kinds of JSON values that cases contain.

/// A value of a case.
pub trait Json {
    /// The value as JSON.
    fn json(&self) -> String;
}

macro_rules! as_printed {
    ($($number:ty)*) => {$(
        impl Json for $number {
            fn json(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
// An f64 is printed with the shortest digits that round-trip, without an exponent.
as_printed!(bool i32 u32 usize f64);

impl Json for str {
    fn json(&self) -> String {
        let plain = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
        assert!(self.chars().all(plain), "{self:?} would need escapes");
        format!("\"{self}\"")
    }
}

impl<T: Json> Json for [T] {
    fn json(&self) -> String {
        let items: Vec<String> = self.iter().map(Json::json).collect();
        format!("[{}]", items.join(","))
    }
}

impl<T: Json> Json for Vec<T> {
    fn json(&self) -> String {
        self[..].json()
    }
}

impl<T: Json + ?Sized> Json for &T {
    fn json(&self) -> String {
        (**self).json()
    }
}

/// A u64 as a string of decimal digits, because JSON numbers are only exact up to 53 bits.
pub struct Wide(pub u64);

impl Json for Wide {
    fn json(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

/// 32-bit words as one string, eight hexadecimal digits each.
pub struct Words<'a>(pub &'a [u32]);

impl Json for Words<'_> {
    fn json(&self) -> String {
        let digits: String = self.0.iter().map(|word| format!("{word:08x}")).collect();
        format!("\"{digits}\"")
    }
}

/// The representation of any NaN.
const ANY_NAN: u32 = 0x7fc0_0000;

/// Floats that are inputs or copies, with exact bits.
pub struct Exact<'a>(pub &'a [f32]);

impl Json for Exact<'_> {
    fn json(&self) -> String {
        let bits: Vec<u32> = self.0.iter().map(|x| x.to_bits()).collect();
        assert!(!bits.contains(&ANY_NAN), "{ANY_NAN:08x} means any NaN");
        Words(&bits).json()
    }
}

/// Floats that were computed. All NaNs become [`ANY_NAN`].
pub struct Computed<'a>(pub &'a [f32]);

impl Json for Computed<'_> {
    fn json(&self) -> String {
        let any = |x: &f32| if x.is_nan() { ANY_NAN } else { x.to_bits() };
        Words(&self.0.iter().map(any).collect::<Vec<_>>()).json()
    }
}

/// An f64 that is a result: the sign and payload of a NaN are unspecified.
pub struct Double(pub f64);

impl Json for Double {
    fn json(&self) -> String {
        let bits = if self.0.is_nan() {
            0x7ff8 << 48
        } else {
            self.0.to_bits()
        };
        format!("\"{bits:016x}\"")
    }
}

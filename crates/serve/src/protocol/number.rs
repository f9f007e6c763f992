//! The number datatypes of the protocol.

/// A number datatype of the protocol, and which numbers it holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum NumberKind {
    /// Floating point, up to a largest magnitude.
    Float { largest: f64 },
    /// Whole numbers of a range.
    Integer { low: f64, high: f64 },
}

impl NumberKind {
    /// The kind that a datatype names, if it names numbers.
    pub(super) fn parse(datatype: &str) -> Option<Self> {
        let integer = |low, high| Some(Self::Integer { low, high });
        match datatype {
            "FP32" => Some(Self::Float { largest: f64::from(f32::MAX) }),
            "FP64" => Some(Self::Float { largest: f64::MAX }),
            "BOOL" => integer(0.0, 1.0),
            "INT8" => integer(-128.0, 127.0),
            "INT16" => integer(-32_768.0, 32_767.0),
            "INT32" => integer(-2_147_483_648.0, 2_147_483_647.0),
            "INT64" => integer(-9_223_372_036_854_775_808.0, 9_223_372_036_854_775_807.0),
            "UINT8" => integer(0.0, 255.0),
            "UINT16" => integer(0.0, 65_535.0),
            "UINT32" => integer(0.0, 4_294_967_295.0),
            "UINT64" => integer(0.0, 18_446_744_073_709_551_615.0),
            _ => None,
        }
    }

    /// Whether a number is one of this kind.
    pub(super) fn holds(self, value: f64) -> bool {
        match self {
            Self::Float { largest } => value.abs() <= largest,
            Self::Integer { low, high } => value.fract() == 0.0 && (low..=high).contains(&value),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_kind_holds_its_own_numbers() {
        for (datatype, inside, outside) in [
            ("FP32", 3e38, 4e38),
            ("FP64", 1e308, f64::INFINITY),
            ("BOOL", 1.0, 2.0),
            ("INT8", -128.0, -129.0),
            ("INT16", 32_767.0, 32_768.0),
            ("INT32", -5.0, 0.5),
            ("INT64", -9e18, 1e19),
            ("UINT8", 255.0, -1.0),
            ("UINT16", 65_535.0, 65_536.0),
            ("UINT32", 0.0, 4_294_967_296.0),
            ("UINT64", 1.8e19, 2e19),
        ] {
            let kind = NumberKind::parse(datatype).unwrap();
            assert!(kind.holds(inside) && !kind.holds(outside), "{datatype}");
            assert!(!kind.holds(f64::NAN), "{datatype}");
        }
        for other in ["BYTES", "fp32", "", "FP16", "BF16"] {
            assert!(NumberKind::parse(other).is_none(), "{other}");
        }
    }
}

//! What a scalar without quotes means, by the rules of YAML 1.1.

use super::Value;

/// The value of a plain scalar.
pub(super) fn value(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Truth(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Truth(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Value::Real(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Value::Real(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Real(f64::NEG_INFINITY),
        _ => {}
    }
    whole(text)
        .map(Value::Whole)
        .or_else(|| real(text).map(Value::Real))
        .unwrap_or_else(|| Value::Text(text.to_owned()))
}

fn whole(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (base, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    let plain = digits.replace('_', "");
    if plain.is_empty() || !plain.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    let number = i128::from_str_radix(&plain, base).ok()?;
    i64::try_from(if negative { -number } else { number }).ok()
}

/// A number with a point; an exponent has a sign.
fn real(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (before, rest) = digits.split_once('.')?;
    let (after, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let signed = |text: &str| {
        text.strip_prefix(['-', '+']).is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
    };
    let begins = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let fits = (begins(before) || before.is_empty() && text == digits && begins(after))
        && plain(before)
        && plain(after);
    if !fits || exponent.is_some_and(|exponent| !signed(exponent)) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_pyyaml_takes_them_for() {
        for (text, number) in
            [("0", 0), ("-12", -12), ("017", 15), ("0x1f", 31), ("1_000", 1000), ("0b11", 3)]
        {
            assert_eq!(value(text), Value::Whole(number), "{text}");
        }
        for (text, number) in [("1.5", 1.5), ("1.e+3", 1000.0), (".5", 0.5), ("-2.5e-3", -0.0025)] {
            assert_eq!(value(text), Value::Real(number), "{text}");
        }
        for text in [
            "1e5",
            "1.5e3",
            "09",
            "0x",
            "-",
            "+.5",
            "1.2.3",
            "2023-01-01",
            "a1",
            "99999999999999999999",
            "1,5",
        ] {
            assert_eq!(value(text), Value::Text(text.to_owned()), "{text}");
        }
        assert_eq!((value("~"), value("off")), (Value::Null, Value::Truth(false)));
    }
}

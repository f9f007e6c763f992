//! URLs that carry a signature, so that a client speaks to S3 itself: AWS's signature version 4 in the query (AWS,
//! *Authenticating Requests: Using Query Parameters*).

use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};
use object_store::aws::AwsCredential;
use ring::{digest, hmac};
use url::Url;

/// What a URL is signed for.
pub(super) struct Signing<'a> {
    pub(super) method: &'a str,
    /// The object's address, without a query.
    pub(super) url: Url,
    /// Parameters beside those of the signature.
    pub(super) query: Vec<(String, String)>,
    /// Headers that the client must send as they are; names in small letters.
    pub(super) headers: Vec<(String, String)>,
    /// For how long.
    pub(super) seconds: u64,
}

/// The signed URL.
pub(super) fn sign(
    signing: Signing<'_>,
    credential: &AwsCredential,
    region: &str,
    now: DateTime<Utc>,
) -> Url {
    let Signing { method, mut url, query, headers, seconds } = signing;
    let (day, time) = (now.format("%Y%m%d").to_string(), now.format("%Y%m%dT%H%M%SZ").to_string());
    let scope = format!("{day}/{region}/s3/aws4_request");
    let mut host = url.host_str().unwrap_or_default().to_owned();
    if let Some(port) = url.port() {
        let _ = write!(host, ":{port}");
    }
    let mut signed: Vec<(String, String)> = headers;
    signed.push(("host".to_owned(), host));
    signed.sort();
    let names = signed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let mut pairs = query;
    pairs.extend([
        ("X-Amz-Algorithm".to_owned(), "AWS4-HMAC-SHA256".to_owned()),
        ("X-Amz-Credential".to_owned(), format!("{}/{scope}", credential.key_id)),
        ("X-Amz-Date".to_owned(), time.clone()),
        ("X-Amz-Expires".to_owned(), seconds.to_string()),
        ("X-Amz-SignedHeaders".to_owned(), names.clone()),
    ]);
    if let Some(token) = &credential.token {
        pairs.push(("X-Amz-Security-Token".to_owned(), token.clone()));
    }
    let mut pairs: Vec<(String, String)> =
        pairs.iter().map(|(name, value)| (encoded(name), encoded(value))).collect();
    pairs.sort();
    let query = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let lines: String = signed.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let request = format!("{method}\n{}\n{query}\n{lines}\n{names}\nUNSIGNED-PAYLOAD", url.path());
    let hashed = hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashed}");
    let mut key = format!("AWS4{}", credential.secret_key).into_bytes();
    for part in [day.as_str(), region, "s3", "aws4_request"] {
        key = keyed(&key, part.as_bytes());
    }
    let signature = hex(&keyed(&key, text.as_bytes()));
    url.set_query(Some(&format!("{query}&X-Amz-Signature={signature}")));
    url
}

/// A lifetime as S3 takes it: whole seconds.
pub(super) fn seconds(lifetime: Duration) -> u64 {
    lifetime.as_secs().max(1)
}

fn keyed(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Everything but letters, digits and four marks is encoded.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The example in AWS's own documentation.
    #[test]
    fn the_documented_example_is_signed_alike() {
        let credential = AwsCredential {
            key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            token: None,
        };
        let signing = Signing {
            method: "GET",
            url: "https://examplebucket.s3.amazonaws.com/test.txt".parse().unwrap(),
            query: Vec::new(),
            headers: Vec::new(),
            seconds: 86_400,
        };
        let now = "2013-05-24T00:00:00Z".parse().unwrap();
        let url = sign(signing, &credential, "us-east-1", now);
        assert!(
            url.as_str().ends_with(
                "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
            ),
            "{url}"
        );
    }
}

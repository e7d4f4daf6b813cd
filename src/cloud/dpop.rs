//! The proof that whoever sends a request holds the key of the login: RFC 9449 with ES256.
//! See <https://www.rfc-editor.org/rfc/rfc9449>.
//!
//! Deliberately absent: making keys; `aws login` does.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use zeroize::Zeroizing;

use crate::{model::Timestamp, secret::Secret};

/// The algorithm of PKCS #8 for a key on P-256: `SEQUENCE { ecPublicKey, prime256v1 }`
/// (<https://www.rfc-editor.org/rfc/rfc5480#section-2.1.1>).
const P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x03, 0x01, 0x07,
];
const VERSION_0: &[u8] = &[0x02, 0x01, 0x00];

/// The key is none that can be used. Says nothing of what it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the login's key is no private key on the curve P-256 in PEM form")]
pub(super) struct KeyError;

/// The value of the header `DPoP` for a POST to `url` at `now`. `id` must not come twice.
pub(super) fn proof(pem: &Secret, url: &str, now: Timestamp, id: &str) -> Result<Secret, KeyError> {
    let random = SystemRandom::new();
    let key = read(pem, &random)?;
    let point = key.public_key().as_ref();
    let (x, y) = point.get(1..).and_then(|xy| xy.split_at_checked(32)).ok_or(KeyError)?;
    let header = serde_json::json!({
        "typ": "dpop+jwt",
        "alg": "ES256",
        "jwk": { "kty": "EC", "crv": "P-256", "x": BASE64.encode(x), "y": BASE64.encode(y) },
    });
    let claims = serde_json::json!({ "htm": "POST", "htu": url, "iat": now.0, "jti": id });
    let signed =
        format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let signature = key.sign(&random, signed.as_bytes()).map_err(|_| KeyError)?;
    Ok(Secret::new(format!("{signed}.{}", BASE64.encode(signature))))
}

fn read(pem: &Secret, random: &SystemRandom) -> Result<EcdsaKeyPair, KeyError> {
    let key = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).map_err(|_| KeyError)?;
    let pkcs8 = match &key {
        PrivateKeyDer::Pkcs8(der) => Zeroizing::new(der.secret_pkcs8_der().to_vec()),
        // What `aws login` writes; ring reads the same thing in PKCS #8 only.
        PrivateKeyDer::Sec1(der) => {
            element(0x30, &[VERSION_0, P256, &element(0x04, &[der.secret_sec1_der()])?])?
        }
        _ => return Err(KeyError),
    };
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, random).map_err(|_| KeyError)
}

/// A DER element; a key on P-256 needs lengths of at most two bytes.
fn element(tag: u8, parts: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let [high, low] = u16::try_from(length).map_err(|_| KeyError)?.to_be_bytes();
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 4));
    match length {
        0..=0x7f => bytes.extend([tag, low]),
        0x80..=0xff => bytes.extend([tag, 0x81, low]),
        _ => bytes.extend([tag, 0x82, high, low]),
    }
    for part in parts {
        bytes.extend_from_slice(part);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_refused_and_not_told() {
        let rsa_label =
            "-----BEGIN RSA PRIVATE KEY-----\nVEVTVFNFQ1JFVA==\n-----END RSA PRIVATE KEY-----\n";
        let junk =
            "-----BEGIN EC PRIVATE KEY-----\nVEVTVFNFQ1JFVA==\n-----END EC PRIVATE KEY-----\n";
        for pem in ["", "TESTSECRET", rsa_label, junk] {
            let result = proof(&Secret::new(pem.into()), "https://x", Timestamp(1), "i");
            assert_eq!(result.unwrap_err(), KeyError, "{pem}");
        }
    }
}

//! Mozilla's certificate authorities as one PEM file. The crate that holds them is pinned by `Cargo.lock`.

use data_encoding::BASE64;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// Columns of base64 in PEM.
const COLUMNS: usize = 64;

/// All authorities, in the order of the crate.
pub(super) fn bundle() -> String {
    let mut text = String::new();
    for certificate in TLS_SERVER_ROOT_CERTS {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut rest = BASE64.encode(certificate);
        while !rest.is_empty() {
            let tail = rest.split_off(rest.len().min(COLUMNS));
            text.push_str(&rest);
            text.push('\n');
            rest = tail;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

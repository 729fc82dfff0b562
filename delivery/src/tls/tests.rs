use super::*;

fn made(name: &str) -> (String, SecretString) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem().into())
}

#[test]
fn the_same_material_has_the_same_fingerprint_and_another_one_another() {
    let (one, one_key) = made("one.example");
    let (two, two_key) = made("two.example");
    let trust = |pem: &str| TlsMaterial::default().trust(pem.as_bytes()).unwrap();
    let client = |material: TlsMaterial, pem: &str, key| material.client_certificate(pem.as_bytes(), key).unwrap();
    let all = [
        TlsMaterial::default(),
        trust(&one),
        trust(&two),
        trust(&format!("{one}{two}")),
        client(TlsMaterial::default(), &one, &one_key),
        client(TlsMaterial::default(), &two, &two_key),
        client(trust(&one), &one, &one_key),
    ];
    let distinct: std::collections::HashSet<_> = all.iter().map(TlsMaterial::fingerprint).collect();
    assert_eq!(distinct.len(), all.len());
    // Only what the blocks hold counts, not what people write around them.
    assert_eq!(trust(&format!("# ours\n\n{one}")).fingerprint(), trust(&one).fingerprint());
    assert_eq!(all[6].anonymous().fingerprint(), all[1].fingerprint());
    assert!(all[4].anonymous().is_default() && !all[4].is_default());
}

#[test]
fn what_is_no_certificate_authority_is_refused_with_its_number() {
    let (good, _) = made("one.example");
    let broken = "-----BEGIN CERTIFICATE-----\n!canary!\n-----END CERTIFICATE-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n";
    for (pem, told) in [
        (String::new(), "it holds no certificate; write PEM blocks that begin with -----BEGIN CERTIFICATE-----"),
        (format!("{good}{broken}"), "certificate 2 is not PEM; write base64 between its BEGIN and END lines"),
        (
            format!("{good}{no_certificate}"),
            "certificate 2 is not one (invalid peer certificate: BadEncoding); replace it",
        ),
        (good.repeat(MAX_CERTIFICATES + 1), "it holds more than 512 certificates; keep those that are needed"),
        ("x".repeat(MAX_PEM + 1), "it has 1048577 bytes; the limit is 1048576"),
    ] {
        let error = TlsMaterial::default().trust(pem.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("read the CA bundle: {told}"));
    }
}

#[test]
fn a_key_that_does_not_fit_is_told_without_showing_it() {
    let (certificate, key) = made("one.example");
    let (_, other) = made("two.example");
    let used = |certificate: &str, key: &SecretString| {
        TlsMaterial::default().client_certificate(certificate.as_bytes(), key).unwrap_err().to_string()
    };
    let write = "write one PEM block PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY without a passphrase";
    let block = |label: &str, text: &str| -> SecretString {
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n").into()
    };
    let read = "read the client certificate's key";
    for (key, told) in [
        ("canary".into(), format!("{read}: it holds none; {write}")),
        (block("ENCRYPTED PRIVATE KEY", "Y2FuYXJ5"), format!("{read}: it holds none; {write}")),
        (block("PRIVATE KEY", "!canary!"), format!("{read}: it is not PEM; {write}")),
        (block("PRIVATE KEY", "Y2FuYXJ5"), format!("{read}: it is of a kind that is not supported; {write}")),
        (other, "use the client certificate: its key belongs to another certificate; renew both together".to_owned()),
    ] {
        assert_eq!(used(&certificate, &key), told);
    }
    assert!(used("", &key).starts_with("read the client certificate: it holds no certificate; "));
    let material = TlsMaterial::default().client_certificate(certificate.as_bytes(), &key).unwrap();
    assert_eq!(format!("{material:?}"), "TlsMaterial { authorities: None, client_certificate: true }");
}

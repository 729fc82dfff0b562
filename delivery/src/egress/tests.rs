//! Decisions only: nothing here opens a socket or looks up a name.

use super::RefusalReason as Why;
use super::*;

fn shop() -> Scope {
    Scope::namespace("shop", "cluster.local")
}

fn judged(policy: &Policy, url: &str) -> Result<(), RefusalReason> {
    let verdict = Target::parse(url).and_then(|(_, target)| policy.check(&target, &shop(), true));
    verdict.map_err(|refusal| refusal.reason)
}

fn resolved(policy: &Policy, host: &str, address: &str) -> Result<(), RefusalReason> {
    let (_, target) = Target::parse(&format!("https://{host}/")).unwrap();
    policy.check(&target, &shop(), false).map_err(|refusal| refusal.reason)?;
    policy.check_address(address.parse().unwrap(), &target, &shop()).map_err(|refusal| refusal.reason)
}

const REFUSED: &[(&str, RefusalReason)] = &[
    ("http://127.0.0.1/", Why::Loopback),
    ("http://127.1/", Why::Loopback),
    ("http://127.0.1/", Why::Loopback),
    ("http://127.255.255.254/", Why::Loopback),
    ("http://2130706433/", Why::Loopback),
    ("http://0x7f000001/", Why::Loopback),
    ("http://0x7f.1/", Why::Loopback),
    ("http://0x7F.0x0.0x0.0x1/", Why::Loopback),
    ("http://017700000001/", Why::Loopback),
    ("http://0177.0.0.01/", Why::Loopback),
    ("http://127.0.0.1./", Why::Loopback),
    ("http://%31%32%37.0.0.1/", Why::Loopback),
    ("http://127%2e0%2e0%2e1/", Why::Loopback),
    ("http://①②⑦.⓪.⓪.①/", Why::Loopback),
    ("http://127。0。0。1/", Why::Loopback),
    ("http://[::1]/", Why::Loopback),
    ("http://[0:0:0:0:0:0:0:1]/", Why::Loopback),
    ("http://[::ffff:127.0.0.1]/", Why::Loopback),
    ("http://[::ffff:7f00:1]/", Why::Loopback),
    ("http://[::127.0.0.1]/", Why::Loopback),
    ("http://[::ffff:0:127.0.0.1]/", Why::Loopback),
    ("http://[64:ff9b::7f00:1]/", Why::Loopback),
    ("http://[64:ff9b:1::127.0.0.1]/", Why::Loopback),
    ("http://[2002:7f00:1::]/", Why::Loopback),
    ("http://[2001:0:808:808:0:0:80ff:fffe]/", Why::Loopback),
    ("http://[2001:0:7f00:1::]/", Why::Broadcast),
    ("http://169.254.169.254/latest/meta-data/", Why::Metadata),
    ("http://2852039166/", Why::Metadata),
    ("http://0xa9fea9fe/", Why::Metadata),
    ("http://0251.0376.0251.0376/", Why::Metadata),
    ("http://169.254.43518/", Why::Metadata),
    ("http://[::ffff:169.254.169.254]/", Why::Metadata),
    ("http://[::ffff:a9fe:a9fe]/", Why::Metadata),
    ("http://[64:ff9b::a9fe:a9fe]/", Why::Metadata),
    ("http://[64:ff9b:1:a9fe:a9:fe08:808:808]/", Why::Metadata),
    ("http://[2002:a9fe:a9fe::1]/", Why::Metadata),
    ("http://[fd00:ec2::254]/", Why::Metadata),
    ("http://[fd00:0ec2:0::0254]/", Why::Metadata),
    ("http://[fd20:ce::254]/", Why::Metadata),
    ("http://169.254.170.2/v2/credentials", Why::Metadata),
    ("http://100.100.100.200/", Why::Metadata),
    ("http://168.63.129.16/", Why::Metadata),
    ("http://192.0.0.192/", Why::Metadata),
    ("http://169.254.1.1/", Why::LinkLocal),
    ("http://[fe80::1]/", Why::LinkLocal),
    ("http://[febf::1]/", Why::LinkLocal),
    ("http://[fe80::1%25eth0]/", Why::NotAUrl),
    ("http://[fe80::1%eth0]/", Why::NotAUrl),
    ("http://10.0.0.1/", Why::Private),
    ("http://0xa.1/", Why::Private),
    ("http://172.31.255.255/", Why::Private),
    ("http://192.168.1.1/", Why::Private),
    ("http://100.64.0.1/", Why::Private),
    ("http://[fd12::1]/", Why::Private),
    ("http://[fec0::1]/", Why::Private),
    ("http://[::ffff:10.0.0.1]/", Why::Private),
    ("http://0.0.0.0/", Why::Unspecified),
    ("http://0/", Why::Unspecified),
    ("http://0.1.2.3/", Why::Unspecified),
    ("http://[::]/", Why::Unspecified),
    ("http://[::ffff:0.0.0.0]/", Why::Unspecified),
    ("http://224.0.0.1/", Why::Multicast),
    ("http://[ff02::1]/", Why::Multicast),
    ("http://255.255.255.255/", Why::Broadcast),
    ("http://4294967295/", Why::Broadcast),
    ("http://192.0.2.1/", Why::Reserved),
    ("http://198.19.0.1/", Why::Reserved),
    ("http://240.0.0.1/", Why::Reserved),
    ("http://[2001:db8::1]/", Why::Reserved),
    ("http://[100::1]/", Why::Reserved),
    ("http://[4000::1]/", Why::Reserved),
    ("http://user@8.8.8.8/", Why::UserInformation),
    ("https://hooks.chat.example@127.0.0.1/", Why::UserInformation),
    ("https://:secret@hooks.chat.example/", Why::UserInformation),
    ("ftp://8.8.8.8/", Why::Scheme),
    ("file:///etc/passwd", Why::Scheme),
    ("unix:/run/docker.sock", Why::Scheme),
    ("http://./", Why::Scheme),
    ("http:///", Why::NotAUrl),
    ("http://256.256.256.256/", Why::NotAUrl),
    ("hooks.chat.example/x", Why::NotAUrl),
];

#[test]
fn every_spelling_of_a_forbidden_address_is_refused_with_its_reason() {
    let policy = Policy::default();
    for (url, reason) in REFUSED {
        assert_eq!(judged(&policy, url), Err(*reason), "{url}");
    }
    // A name that resolves there fares no better, whatever host rules say.
    let wide = Policy::parse(&["*.chat.example", "0.0.0.0/0", "::/0"], &[]).unwrap();
    for address in
        ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fd00:ec2::254", "fe80::1", "0.0.0.0", "ff02::1"]
    {
        assert!(resolved(&wide, "hooks.chat.example", address).is_err(), "{address}");
    }
}

#[test]
fn public_addresses_are_allowed_also_where_ipv6_carries_them() {
    let policy = Policy::default();
    for url in [
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://[64:ff9b::808:808]/",
        "https://[64:ff9b:1::808:808]/",
        "https://[2002:808:808::1]/",
        "https://[::ffff:8.8.8.8]/",
    ] {
        assert_eq!(judged(&policy, url), Ok(()), "{url}");
    }
    assert_eq!(resolved(&policy, "hooks.chat.example", "8.8.8.8"), Ok(()));
}

#[test]
fn http_needs_the_destination_to_allow_it() {
    let (_, target) = Target::parse("http://hooks.chat.example:8080/services/T1?token=x").unwrap();
    let refusal = Policy::default().check(&target, &shop(), false).unwrap_err();
    assert_eq!(refusal.reason, Why::PlainHttp);
    assert_eq!(
        refusal.to_string(),
        "refuse to send to http://hooks.chat.example: the scheme is http; use https, or set allowHttp on the endpoint"
    );
    assert_eq!(Policy::default().check(&target, &shop(), true), Ok(()));
}

#[test]
fn private_addresses_belong_to_services_of_the_own_namespace() {
    let policy = Policy::default();
    for host in [
        "receiver.shop.svc",
        "receiver.shop.svc.cluster.local",
        "Receiver.Shop.SVC.",
        "receiver.shop.svc.cluster.local.",
    ] {
        assert_eq!(resolved(&policy, host, "10.96.0.7"), Ok(()), "{host}");
        assert_eq!(resolved(&policy, host, "127.0.0.1"), Err(Why::Loopback), "{host}");
        assert_eq!(resolved(&policy, host, "fd00:ec2::254"), Err(Why::Metadata), "{host}");
    }
    for host in [
        "receiver.bank.svc",
        "receiver.shop",
        "shop.svc",
        "a.receiver.shop.svc",
        "receiver.shop.svc.example",
        "receiver.shop.svc.evil.example",
    ] {
        assert_eq!(resolved(&policy, host, "10.96.0.7"), Err(Why::Private), "{host}");
    }
    let (_, target) = Target::parse("https://receiver.shop.svc/").unwrap();
    let public = Scope::public("cluster.local");
    assert!(policy.check_address("10.96.0.7".parse().unwrap(), &target, &public).is_err());
    assert_eq!(public.absolute("receiver.shop.svc"), "receiver.shop.svc.cluster.local.");
    assert_eq!(public.absolute("hooks.chat.example"), "hooks.chat.example.");
}

#[test]
fn allow_rules_open_what_they_name_and_no_more() {
    let policy = Policy::parse(&["10.0.0.0/8:8443", "*.corp.example", "127.0.0.1", "169.254.169.254"], &[]).unwrap();
    assert_eq!(judged(&policy, "https://10.1.1.1:8443/"), Ok(()));
    assert_eq!(judged(&policy, "https://10.1.1.1/"), Err(Why::Private));
    assert_eq!(judged(&policy, "https://[::ffff:10.1.1.1]:8443/"), Ok(()));
    assert_eq!(resolved(&policy, "hooks.corp.example", "192.168.1.1"), Ok(()));
    assert_eq!(resolved(&policy, "hooks.corp.example", "198.18.0.1"), Ok(()));
    assert_eq!(resolved(&policy, "hooks.corp.example", "127.0.0.2"), Err(Why::Loopback));
    assert_eq!(judged(&policy, "https://127.0.0.1:9000/"), Ok(()));
    assert_eq!(judged(&policy, "https://169.254.169.254/"), Ok(()));
    assert_eq!(judged(&policy, "https://169.254.169.253/"), Err(Why::LinkLocal));
    let link = Policy::parse(&["169.254.0.0/16", "100.64.0.0/10"], &[]).unwrap();
    assert_eq!(judged(&link, "https://169.254.1.1/"), Ok(()));
    assert_eq!(judged(&link, "https://169.254.169.254/"), Err(Why::Metadata));
    assert_eq!(judged(&link, "https://100.100.100.200/"), Err(Why::Metadata));
}

#[test]
fn deny_beats_allow_for_hosts_addresses_and_what_addresses_carry() {
    let allow = ["*.corp.example", "10.0.0.0/8", "127.0.0.0/8"];
    let policy =
        Policy::parse(&allow, &["vault.corp.example", "10.9.0.0/16", "8.8.8.8", "*.shop.svc.cluster.local"]).unwrap();
    assert_eq!(resolved(&policy, "vault.corp.example.", "8.8.4.4"), Err(Why::Denied));
    assert_eq!(resolved(&policy, "hooks.corp.example", "10.9.1.1"), Err(Why::Denied));
    assert_eq!(resolved(&policy, "hooks.corp.example", "10.8.1.1"), Ok(()));
    assert_eq!(judged(&policy, "https://[64:ff9b::808:808]/"), Err(Why::Denied));
    assert_eq!(resolved(&policy, "receiver.shop.svc", "10.1.1.1"), Err(Why::Denied), "the completed name counts too");
}

#[test]
fn the_api_server_is_never_a_destination() {
    let policy = Policy::parse(&["10.96.0.0/16", "127.0.0.0/8"], &[]).unwrap();
    let policy = policy.forbid("10.96.0.1".parse().unwrap(), None).forbid("127.0.0.1".parse().unwrap(), Some(6443));
    assert_eq!(judged(&policy, "https://10.96.0.1/"), Err(Why::Forbidden));
    assert_eq!(judged(&policy, "https://[::ffff:10.96.0.1]/"), Err(Why::Forbidden));
    assert_eq!(judged(&policy, "https://127.0.0.1:6443/"), Err(Why::Forbidden));
    assert_eq!(judged(&policy, "https://127.0.0.1:8080/"), Ok(()));
    assert_eq!(resolved(&policy, "receiver.shop.svc", "10.96.0.1"), Err(Why::Forbidden));
}

#[test]
fn a_refusal_of_a_secret_url_shows_nothing_of_it() {
    let url = Url::parse("https://user:hunter2@hooks.chat.example/T1/x").unwrap();
    for refusal in [Target::of(&url).unwrap_err(), Target::of_secret(&url).unwrap_err()] {
        assert_eq!(refusal.reason.code(), "UserInformation");
        assert!(!refusal.to_string().contains("hunter2") && !refusal.to_string().contains("T1"), "{refusal}");
    }
    assert!(Target::of_secret(&url).unwrap_err().to_string().starts_with("refuse to send to a URL from a Secret: "));
}

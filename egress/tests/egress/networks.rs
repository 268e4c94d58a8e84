use ::egress::{Network, is_public};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn addresses_set_aside_are_not_public() {
    for text in [
        "0.0.0.0",
        "0.1.2.3",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.0.9",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "fe80::1",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "2001:10::1",
        "3fff::1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "5f00::1",
    ] {
        assert!(!is_public(address(text)), "{text}");
    }
}

#[test]
fn addresses_of_the_internet_are_public() {
    for text in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.1.0.1",
        "198.17.0.1",
        "198.20.0.1",
        "223.255.255.254",
        "2606:4700:4700::1111",
        "2a00:1450::1",
        "2001:4860:4860::8888",
        "::ffff:8.8.8.8",
        "2002:808:808::1",
        "64:ff9b::808:808",
    ] {
        assert!(is_public(address(text)), "{text}");
    }
}

#[test]
fn a_network_contains_what_shares_its_prefix() {
    let network: Network = "10.1.0.0/16".parse().unwrap();
    assert!(network.contains(address("10.1.255.1")));
    assert!(!network.contains(address("10.2.0.0")));
    assert!(!network.contains(address("fd00::1")));
    assert!("0.0.0.0/0".parse::<Network>().unwrap().contains(address("9.9.9.9")));
    assert!("::/0".parse::<Network>().unwrap().contains(address("fd00::1")));
    assert!("127.0.0.1".parse::<Network>().unwrap().contains(address("127.0.0.1")));
    assert!(!"127.0.0.1".parse::<Network>().unwrap().contains(address("127.0.0.2")));
}

#[test]
fn malformed_networks_are_refused() {
    for text in ["", "/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0/8", "example.org/8", "10.0.0.0/8/8"] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn a_mapped_address_is_judged_as_the_address_it_maps(bits: u32) {
        let plain = Ipv4Addr::from_bits(bits);
        prop_assert_eq!(is_public(IpAddr::V4(plain)), is_public(IpAddr::V6(plain.to_ipv6_mapped())));
    }

    #[test]
    fn only_global_unicast_and_nat64_can_be_public(bits: u128) {
        let address = Ipv6Addr::from_bits(bits);
        let first = address.segments()[0];
        prop_assert!(!is_public(IpAddr::V6(address)) || first & 0xe000 == 0x2000 || first == 0x64 || address.to_ipv4_mapped().is_some());
    }
}

use axum::http::{HeaderMap, HeaderValue, header};
use proptest::collection::vec;
use proptest::prelude::*;
use service_kit::conditional::{if_match, none_match, single};
use service_kit::cookies::{self, SessionCookies};

fn bytes() -> impl Strategy<Value = HeaderValue> {
    vec(any::<u8>(), 0..40).prop_filter_map("stands in a header", |bytes| {
        HeaderValue::from_bytes(&bytes).ok()
    })
}

proptest! {
    #[test]
    fn what_was_set_is_read_among_others(
        access in "[A-Za-z0-9._-]{1,60}",
        refresh in "[A-Za-z0-9._-]{1,60}",
        csrf in "[A-Za-z0-9_-]{43}",
        before in "([a-z]{1,8}=[!-:<-~]{0,8}; ){0,3}",
        turned in any::<bool>(),
    ) {
        let mut set = HeaderMap::new();
        let session = SessionCookies {
            access: (&access, 900),
            refresh: (&refresh, 1000),
            csrf: &csrf,
        };
        session.set(&mut set);
        let given = set.get_all(header::SET_COOKIE).iter();
        let given = given.map(|value| value.to_str().unwrap());
        let mut pairs: Vec<&str> = given.map(|value| value.split(';').next().unwrap()).collect();
        if turned {
            pairs.reverse();
        }
        let mut sent = HeaderMap::new();
        let cookie = format!("{before}{}", pairs.join("; "));
        sent.insert(header::COOKIE, cookie.parse().unwrap());
        prop_assert_eq!(cookies::read(&sent, cookies::ACCESS), Some(access.as_str()));
        prop_assert_eq!(cookies::read(&sent, cookies::REFRESH), Some(refresh.as_str()));
        prop_assert_eq!(cookies::read(&sent, cookies::CSRF), Some(csrf.as_str()));
    }

    #[test]
    fn any_bytes_may_come(values in vec(bytes(), 0..3)) {
        let mut headers = HeaderMap::new();
        for value in &values {
            for name in [header::COOKIE, header::IF_MATCH] {
                headers.append(name, value.clone());
            }
        }
        let _maybe = cookies::read(&headers, cookies::ACCESS);
        let _matched = none_match(&values, "\"1\"");
        for refused in [if_match(&headers).err(), single(&headers, &header::COOKIE).err()] {
            prop_assert!(refused.is_none_or(|problem| problem.status == 400));
        }
    }

    #[test]
    fn a_tag_names_its_version(version in any::<u64>(), digest in "(\\.[0-9a-f]{24})?") {
        let mut headers = HeaderMap::new();
        let tag = format!("\"{version}{digest}\"");
        headers.insert(header::IF_MATCH, tag.parse().unwrap());
        prop_assert_eq!(if_match(&headers).unwrap(), Some(version));
        prop_assert!(none_match(&[tag.parse().unwrap()], &tag));
        let weak = format!("\"x\", W/{tag}");
        prop_assert!(none_match(&[weak.parse().unwrap()], &tag));
    }
}

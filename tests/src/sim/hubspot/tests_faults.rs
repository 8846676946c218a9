//! Sign-in, limits, faults, webhooks and the control interface, over the network where the transport matters.

use serde_json::{Value, json};

use super::tests::{ask, start};
use super::{HubSpot, Options, Switches, signature_v3};
use crate::sim::faults::{Fault, Rule};
use crate::sim::server::Request;

async fn send(url: String, method: &str, token: &str, body: Value) -> reqwest::Result<(u16, String)> {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = client().request(method, url).header("authorization", format!("Bearer {token}"));
    let request = if body.is_null() {
        request
    } else {
        request.header("content-type", "application/json").body(body.to_string())
    };
    let response = request.send().await?;
    Ok((response.status().as_u16(), response.text().await?))
}

/// The client wants a TLS provider to be named even where no TLS is spoken.
fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn form(hubspot: &HubSpot, pairs: &[(&str, &str)]) -> (u16, Value) {
    let own = hubspot.credentials();
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &own.client_id)
        .append_pair("client_secret", &own.client_secret)
        .extend_pairs(pairs)
        .finish();
    let mut request = Request::new("POST", "/oauth/2026-09/token", body);
    request.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    let reply = hubspot.ask(request);
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

#[test]
fn a_code_is_redeemed_once_with_its_verifier() {
    let hubspot = start(0);
    // The pair of RFC 7636, appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let authorize = || {
        let query = format!(
            "/oauth/authorize?client_id={}&redirect_uri=http://127.0.0.1:9/back&scope=oauth%20crm.objects.contacts.read&state=s1\
             &code_challenge={challenge}&code_challenge_method=S256",
            hubspot.credentials().client_id
        );
        let reply = hubspot.ask(Request::new("GET", &query, ""));
        let location = reply.headers.iter().find(|(name, _)| name == "location").map(|(_, value)| value.clone());
        let url = url::Url::parse(&location.unwrap()).unwrap();
        assert!(url.query_pairs().any(|(name, value)| name == "state" && value == "s1"));
        url.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned()).unwrap()
    };
    let redeem = |code: &str, verifier: &str| {
        let uri = "http://127.0.0.1:9/back";
        form(
            &hubspot,
            &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", uri), ("code_verifier", verifier)],
        )
    };
    let code = authorize();
    let (status, tokens) = redeem(&code, verifier);
    assert_eq!(
        (status, tokens["expires_in"].as_u64(), tokens["token_type"].as_str()),
        (200, Some(1_800), Some("bearer"))
    );
    assert_eq!(redeem(&code, verifier).0, 400);
    assert_eq!(redeem(&authorize(), "wrong").0, 400);
}

#[test]
fn a_rotated_refresh_token_is_good_once() {
    let hubspot = start(0);
    hubspot.switch(|switches| switches.rotate_refresh_tokens = true);
    let first = hubspot.credentials().refresh_token.clone();
    let refresh = |token: &str| form(&hubspot, &[("grant_type", "refresh_token"), ("refresh_token", token)]);
    let (status, tokens) = refresh(&first);
    assert_eq!(status, 200);
    let (status, refused) = refresh(&first);
    assert_eq!(
        (status, refused["status"].as_str(), refused["message"].as_str()),
        (400, Some("BAD_REFRESH_TOKEN"), Some("missing or invalid refresh token"))
    );
    assert_eq!(refresh(tokens["refresh_token"].as_str().unwrap()).0, 200);
}

#[test]
fn tokens_end_by_the_clock_and_scopes_by_the_admin() {
    let hubspot = start(0);
    let get = || ask(&hubspot, "GET", "/crm/v3/objects/contacts", Value::Null);
    assert_eq!(get().0, 200);
    hubspot.remove_scope("crm.objects.contacts.read");
    let (status, body) = get();
    let scope = &body["errors"][0]["context"]["requiredGranularScopes"];
    assert_eq!(
        (status, body["category"].as_str(), scope),
        (403, Some("MISSING_SCOPES"), &json!(["crm.objects.contacts.read"]))
    );
    hubspot.clock().advance(1_803_000);
    let (status, body) = get();
    assert_eq!((status, body["category"].as_str()), (401, Some("EXPIRED_AUTHENTICATION")));
    assert_eq!(body["message"], "The OAuth token used to make this call expired 3 second(s) ago.");
}

#[tokio::test]
async fn a_write_is_done_although_its_connection_drops() {
    let hubspot = start(0);
    let (url, token) =
        (format!("{}/crm/v3/objects/contacts", hubspot.base_url()), hubspot.credentials().access_token.clone());
    let body = json!({"properties": {"email": "a@example.com"}});
    hubspot.fault(Rule::times(Fault::CommitThenDrop, 1));
    assert!(send(url.clone(), "POST", &token, body.clone()).await.is_err());
    assert_eq!(hubspot.journal().len(), 1);
    assert_eq!(send(url.clone(), "POST", &token, body.clone()).await.unwrap().0, 409);
    hubspot.fault(Rule::times(Fault::DropBefore, 1));
    assert!(send(url, "POST", &token, body).await.is_err());
    assert_eq!(hubspot.journal().len(), 1);
}

#[tokio::test]
async fn spoiled_answers_are_spoiled_as_named() {
    let hubspot = start(30);
    let url = format!("{}/crm/v3/objects/contacts", hubspot.base_url());
    let token = hubspot.credentials().access_token.clone();
    let get = |fault: Fault| {
        hubspot.clear_faults(None);
        hubspot.fault(Rule::always(fault));
        send(url.clone(), "GET", &token, Value::Null)
    };
    assert!(get(Fault::TruncatedBody).await.is_err());
    let (status, text) = get(Fault::MalformedJson).await.unwrap();
    assert!(status == 200 && serde_json::from_str::<Value>(&text).is_err());
    let (_, text) = get(Fault::WrongShape).await.unwrap();
    assert!(serde_json::from_str::<Value>(&text).unwrap()["results"].is_object());
    let (_, text) = get(Fault::Trickle).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["results"].as_array().map(Vec::len), Some(10));
    assert_eq!(get(Fault::Redirect).await.unwrap().0, 302);
    assert!(get(Fault::HugeBody).await.unwrap().1.len() > 64 * 1024 * 1024);
    for (fault, status) in [
        (Fault::Migration, 477),
        (Fault::BadGateway, 502),
        (Fault::Unavailable, 503),
        (Fault::GatewayTimeout, 504),
        (Fault::BadToken, 530),
        (Fault::Locked, 423),
        (Fault::PiiInError, 400),
        (Fault::RateLimitDaily, 429),
    ] {
        assert_eq!(get(fault).await.unwrap().0, status, "{fault:?}");
    }
}

#[test]
fn a_batch_can_be_refused_whole_or_silently_do_nothing() {
    let hubspot = start(0);
    let batch = || {
        ask(
            &hubspot,
            "POST",
            "/crm/v3/objects/contacts/batch/create",
            json!({"inputs": [{"properties": {"firstname": "x"}}]}),
        )
    };
    hubspot.fault(Rule::times(Fault::BatchConflict, 1));
    hubspot.fault(Rule::times(Fault::SilentEmpty, 1));
    assert_eq!(batch().0, 409);
    let (status, body) = batch();
    assert_eq!((status, body["status"].as_str(), &body["results"]), (201, Some("COMPLETE"), &json!([])));
    assert_eq!(hubspot.journal(), []);
    assert_eq!(batch().1["results"].as_array().map(Vec::len), Some(1));
}

#[test]
fn real_limits_refuse_the_sixth_search_of_a_second() {
    let switches = Switches { limits: true, ..Switches::default() };
    let hubspot = HubSpot::start(Options { switches, ..Options::default() }).unwrap();
    let search = || ask(&hubspot, "POST", "/crm/v3/objects/contacts/search", json!({}));
    let statuses: Vec<u16> = (0..6).map(|_| search().0).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429]);
    let (_, refused) = search();
    assert_eq!((refused["policyName"].as_str(), refused["errorType"].as_str()), (Some("SECONDLY"), Some("RATE_LIMIT")));
    hubspot.clock().advance(1_000);
    assert_eq!(search().0, 200);
}

#[test]
fn webhooks_are_signed_and_tell_what_changed() {
    let hubspot = start(3);
    let id = hubspot.nth("contacts", 1).unwrap();
    hubspot.update("contacts", id, &[("firstname", "New")]).unwrap();
    hubspot.archive("contacts", id).unwrap();
    let url = "http://127.0.0.1:9/hooks";
    let posts = hubspot.webhook_posts(url, 100);
    let [post] = posts.as_slice() else { panic!("one post is expected: {posts:?}") };
    let header =
        |name: &str| post.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str()).unwrap();
    let at_ms = header("x-hubspot-request-timestamp").parse().unwrap();
    let expected = signature_v3(&hubspot.credentials().client_secret, "POST", url, &post.body, at_ms);
    assert_eq!(header("x-hubspot-signature-v3"), expected);
    let events: Vec<Value> = serde_json::from_slice(&post.body).unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| (event["subscriptionType"].as_str().unwrap(), event["objectId"].as_u64().unwrap()))
        .collect();
    assert_eq!(told, [("contact.propertyChange", id), ("contact.deletion", id)]);
    assert_eq!(hubspot.webhook_posts(url, 100), []);
}

#[tokio::test]
async fn the_control_interface_has_the_same_levers() {
    let hubspot = start(10);
    let control = |method: &'static str, path: &str, body: Value| {
        let url = format!("{}{path}", hubspot.credentials().control_url);
        async move {
            let (status, text) = send(url, method, "", body).await.unwrap();
            (status, serde_json::from_str::<Value>(&text).unwrap())
        }
    };
    let (_, state) = control("POST", "/clock/advance", json!({"ms": 1_500})).await;
    assert_eq!(state["now"], "2026-03-02T09:00:01.500Z");
    control("PATCH", "/records/contacts/nth/2", json!({"properties": {"phone": "n/a"}})).await;
    let (_, record) = control("GET", "/records/contacts/nth/2", Value::Null).await;
    assert_eq!(
        (&record["properties"]["phone"], &record["properties"]["lastmodifieddate"]),
        (&json!("n/a"), &state["now"])
    );
    let (_, faults) = control("POST", "/faults", json!({"fault": "bad-gateway", "count": 1, "seed": 9})).await;
    assert_eq!((&faults["faults"][0]["seed"], hubspot.faults().len()), (&json!(9), 1));
    assert_eq!(ask(&hubspot, "GET", "/crm/v3/objects/contacts", Value::Null).0, 502);
    let (_, journal) = control("GET", "/journal", Value::Null).await;
    assert_eq!((&journal["last"], &journal["entries"][0]["by"]), (&json!(1), &json!("user")));
    assert_eq!(control("POST", "/switches", json!({})).await.0, 400);
    let (_, reset) = control("POST", "/reset", Value::Null).await;
    assert!(reset["access_token"].is_string() && hubspot.journal().is_empty() && hubspot.faults().is_empty());
}

#[test]
fn an_equal_stamp_for_all_is_one_window_that_no_split_can_divide() {
    let hubspot = start(300);
    hubspot.stamp_all("contacts", 1_772_000_000_000).unwrap();
    let window = json!({"propertyName": "lastmodifieddate", "operator": "EQ", "value": "1772000000000"});
    let body = json!({"filterGroups": [{"filters": [window]}], "sorts": ["lastmodifieddate"], "limit": 200});
    let (_, found) = ask(&hubspot, "POST", "/crm/v3/objects/contacts/search", body);
    assert_eq!((found["total"].as_u64(), found["results"].as_array().map(Vec::len)), (Some(300), Some(200)));
}

//! The one call of the SOAP interface that clients still make: signing in with a user's name and password.

use super::errors::Outcome;
use super::org::{INTEGRATION_USER, ORG, Org};
use super::sign_in::USERNAME;
use crate::sim::server::{Reply, Request};

/// `POST /services/Soap/u/{version}`
pub(crate) fn login(org: &mut Org, request: &Request, version: &str) -> Outcome {
    let text = String::from_utf8_lossy(&request.body);
    if request.header("soapaction").is_none() {
        return Ok(fault("soapenv:Client", "SOAPAction HTTP header missing"));
    }
    let (Some(user), Some(password)) = (element(&text, "username"), element(&text, "password")) else {
        return Ok(fault("soapenv:Client", "only `login` is served here"));
    };
    // From an address that the org does not know, the user's security token stands behind the password.
    let (own, token) = (&org.sign_in.password, &org.sign_in.security_token);
    if user != USERNAME || (password != *own && password != format!("{own}{token}")) {
        return Ok(fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out."));
    }
    let ends_ms = org.now_ms() + org.switches.session_ms;
    let session = org.sign_in.open_session(ends_ms);
    let instance = &org.sign_in.instance_url;
    let server = format!("{instance}/services/Soap/u/{version}/{}", &ORG.to_string()[..15]);
    let user_info = format!(
        "<userInfo><organizationId>{ORG}</organizationId><userId>{INTEGRATION_USER}</userId><userName>{USERNAME}</userName></userInfo>"
    );
    let body = format!(
        "<loginResponse><result><metadataServerUrl>{instance}/services/Soap/m/{version}</metadataServerUrl>\
         <passwordExpired>false</passwordExpired><sandbox>false</sandbox><serverUrl>{server}</serverUrl>\
         <sessionId>{session}</sessionId><userId>{INTEGRATION_USER}</userId>{user_info}</result></loginResponse>"
    );
    Ok(envelope(200, &body))
}

/// The text of the first element of this name, whatever its prefix.
fn element(xml: &str, name: &str) -> Option<String> {
    let at = xml.match_indices(name).map(|(at, _)| at);
    let is_open = |at: &usize| {
        let tag = xml[..*at].rsplit('<').next().unwrap_or("");
        xml[at + name.len()..].starts_with('>') && (tag.is_empty() || (tag.ends_with(':') && !tag.starts_with('/')))
    };
    let rest = &xml[at.into_iter().find(is_open)? + name.len() + 1..];
    let text = &rest[..rest.find('<')?];
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#39;", "'"), ("&amp;", "&")];
    Some(plain.iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter)))
}

fn fault(code: &str, message: &str) -> Reply {
    let code_in_prefix = if code.contains(':') { code.to_owned() } else { format!("sf:{code}") };
    let body = format!(
        "<soapenv:Fault><faultcode>{code_in_prefix}</faultcode><faultstring>{code}: {message}</faultstring><detail>\
         <sf:LoginFault xsi:type=\"sf:LoginFault\"><sf:exceptionCode>{code}</sf:exceptionCode>\
         <sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
    );
    envelope(500, &body)
}

fn envelope(status: u16, body: &str) -> Reply {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns=\"urn:partner.soap.sforce.com\" xmlns:sf=\"urn:fault.partner.soap.sforce.com\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    );
    Reply::of(status, "text/xml;charset=UTF-8", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_found_under_any_prefix_and_unescaped() {
        let xml = "<n1:login xmlns:n1='x'><n1:username>a&amp;b</n1:username><password>p&lt;w</password></n1:login>";
        assert_eq!(element(xml, "username").as_deref(), Some("a&b"));
        assert_eq!(element(xml, "password").as_deref(), Some("p<w"));
        assert_eq!(element(xml, "nobody"), None);
        assert_eq!(element("</username>", "username"), None);
    }
}

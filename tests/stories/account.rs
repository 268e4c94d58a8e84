//! From nothing to an API key, the way the greeting shows it.

use super::client::Client;
use crate::program::Program;
use serde_json::json;

/// A person with an organisation and a key for everything.
pub struct Account {
    pub person: Client,
    pub application: Client,
    pub key: String,
}

pub const PASSWORD: &str = "correct horse battery";

impl Account {
    /// The first account of an installation: its confirmation mail is opened by the link that the program printed.
    pub fn first(program: &mut Program) -> Self {
        let client = Client::of(program);
        let sign_up =
            json!({ "name": "Ada", "address": "ada@example.org", "password": PASSWORD, "ageAttested": true, "privacyPolicyVersion": 1 });
        client.mutate("signUp", "SignUpInput", "position", sign_up);
        let said = program.line_with("shown once at ");
        let link = said.split("shown once at ").nth(1).unwrap();
        let path = link.trim_end_matches("):").strip_prefix(&client.url).expect("the link leads here");
        // The mail is caught by the sandbox a moment after it was accepted.
        let mut mail = String::new();
        crate::program::eventually_mut("the first mail is shown", || {
            mail = client.get_text(path).1;
            mail.contains("token=")
        });
        let token: String =
            mail.split("token=").nth(1).unwrap().chars().take_while(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
        assert!(!client.get_text(path).1.contains(&token), "the link works once");
        client.mutate("confirmAddress", "ConfirmAddressInput", "position", json!({ "token": token }));
        Self::sign_in(&client, "ada@example.org")
    }

    fn sign_in(client: &Client, address: &str) -> Self {
        let session = client.mutate("signIn", "SignInInput", "token", json!({ "address": address, "password": PASSWORD }));
        let person = client.with(session["token"].as_str().unwrap());
        person.mutate("createOrganization", "CreateOrganizationInput", "position", json!({ "name": "Analytical Engines" }));
        let scopes = ["SEND_EMAILS", "READ_EMAILS", "ERASE_RECIPIENTS"];
        let made = person.mutate("createApiKey", "CreateApiKeyInput", "token", json!({ "name": "story", "scopes": scopes }));
        let key = made["token"].as_str().unwrap().to_owned();
        Self { person, application: client.with(&key), key }
    }

    /// From now on mail goes through this server instead of the sandbox.
    pub fn connect(&self, port: u16) {
        let server = json!({ "host": "127.0.0.1", "port": port, "tlsMode": "NONE", "username": "shop", "secret": "let me in" });
        self.person.mutate("connectSmtpServer", "ConnectSmtpServerInput", "position", server);
    }
}

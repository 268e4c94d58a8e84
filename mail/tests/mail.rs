mod mail {
    mod composing;
    mod messages;
    mod peer;
    mod pooling;
    mod reasons;
    mod replies;
    mod scripted;
    mod sending;
    mod tls_and_login;
}

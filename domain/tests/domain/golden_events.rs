//! The stored form of every event: type, schema version and facts. What stands in the snapshot can be in somebody's log for ten years; a change here
//! is a new schema version, never another snapshot.

use super::given::{NOON, id, key, origin};
use domain::*;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Facts as the log holds them, and what was read back and written again.
struct Golden {
    text: String,
    seen: BTreeSet<&'static str>,
}

impl Golden {
    fn add<E: Event + std::fmt::Debug + PartialEq>(&mut self, event: impl Into<E>) {
        let event = event.into();
        let (event_type, version) = event.event_type();
        let facts = event.facts();
        let read = E::decode(event_type, version, &facts).expect("facts read back");
        assert_eq!(read, event);
        assert_eq!(E::decode(event_type, version + 1, &facts), Err(DecodeError::UnknownType));
        assert_eq!(E::decode(event_type, version, b"[]"), Err(DecodeError::Malformed));
        writeln!(self.text, "{event_type} {version} {}", String::from_utf8(facts).unwrap()).unwrap();
        self.seen.insert(event_type);
    }
}

/// A slot can only be had by putting something in it.
fn slot<T: PersonalData>(number: u16) -> Slot<T> {
    serde_json::from_str(&number.to_string()).unwrap()
}

fn outcomes() -> Vec<RecipientOutcome> {
    vec![RecipientOutcome {
        recipient: 1,
        reply_code: Some(550),
        enhanced_status: Some(EnhancedStatus(5, 1, 1)),
        reason: Some(FailureReason::UserUnknown),
        reply: Some(slot(0)),
    }]
}

fn account_events(golden: &mut Golden) {
    let token = TokenHash([0xAB; 32]);
    golden.add::<UserEvent>(UserSignedUp { details: slot(0), password: slot(1), age_attested_min_years: 16, origin: slot(2) });
    golden.add::<UserEvent>(PrivacyPolicyAccepted { policy_version: 1, manner: AcceptanceManner::SignUp });
    golden.add::<UserEvent>(AddressConfirmationRequested { token, expires_at: NOON });
    golden.add::<UserEvent>(AddressConfirmed { origin: slot(0) });
    golden.add::<UserEvent>(SignedIn { session: SessionId(id(1)), token, expires_at: NOON, origin: slot(0) });
    golden.add::<UserEvent>(SignInFailed { failure: SignInFailure::WrongPassword, origin: slot(0) });
    golden.add::<UserEvent>(SignedOut { session: SessionId(id(1)), origin: slot(0) });
    golden.add::<UserEvent>(OrganizationJoined { joined: OrganizationId(id(2)) });
    golden.add::<UserEvent>(AccountClosed { erasure: ErasureId(id(3)), origin: slot(0) });
    golden.add::<OrganizationEvent>(OrganizationCreated { details: slot(0), origin: slot(1) });
    golden.add::<OrganizationEvent>(MemberJoined { user: UserId(id(4)), role: Role::Owner });
    golden.add::<OrganizationEvent>(MemberLeft { user: UserId(id(4)) });
    golden.add::<OrganizationEvent>(SmtpServerSelected { smtp_server: SmtpServerId(id(5)), origin: slot(0) });
    golden.add::<OrganizationEvent>(OrganizationClosed { reason: ClosureReason::OwnerErased });
    golden.add::<ApiKeyEvent>(ApiKeyCreated { details: slot(0), token, scopes: Scope::ALL.to_vec(), origin: slot(1) });
    golden.add::<ApiKeyEvent>(ApiKeyRevoked { origin: slot(0) });
    golden.add::<SmtpServerEvent>(SmtpServerConnected {
        details: slot(0),
        secret: Some(slot(1)),
        secret_version: 1,
        port: 465,
        tls_mode: TlsMode::Implicit,
        tls_version: Some(TlsVersion::Tls13),
        origin: slot(2),
    });
}

fn email_events(golden: &mut Golden) {
    let recipients = vec![QueuedRecipient { number: 0, field: RecipientField::To, details: slot(1) }];
    golden.add::<EmailEvent>(EmailQueued {
        recipients,
        sender: slot(0),
        tags: vec![LookupValue([0xCD; 16])],
        scheduled_at: Some(NOON),
        transport: Transport::SmtpServer(SmtpServerId(id(5))),
        interface: Interface::Rest,
        size_bytes: 2048,
    });
    golden.add::<EmailEvent>(EmailSuppressed { recipients: vec![1] });
    golden.add::<EmailEvent>(TransmissionStarted { attempt: 1, recipients: vec![0, 1] });
    golden.add::<EmailEvent>(EmailRelayed { attempt: 1, outcomes: outcomes() });
    golden.add::<EmailEvent>(EmailDelivered { attempt: 1, outcomes: outcomes() });
    golden.add::<EmailEvent>(EmailDeferred { attempt: 1, outcomes: outcomes(), next_attempt_at: NOON, rules_version: 1 });
    golden.add::<EmailEvent>(EmailBounced { attempt: 1, outcomes: outcomes(), rules_version: 1 });
    golden.add::<EmailEvent>(DeliveryInDoubt { attempt: 1, recipients: vec![0] });
    golden.add::<EmailEvent>(DeliveryAbandoned { recipients: vec![0], reason: AbandonmentReason::Expired });
    golden.add::<EmailEvent>(EmailCancelled { recipients: vec![0], reason: CancellationReason::Erased });
}

fn privacy_events(golden: &mut Golden) {
    golden.add::<SuppressionEvent>(AddressSuppressed {
        reason: SuppressionReason::Erased,
        details: slot(0),
        erasure: Some(ErasureId(id(3))),
    });
    golden.add::<SuppressionEvent>(SuppressionLifted { by_request: true });
    golden.add::<ErasureEvent>(ErasureRequested {
        target: ErasureTarget::Account,
        user: Some(UserId(id(4))),
        case: slot(0),
        keep_suppressed: true,
        due_at: NOON,
    });
    golden.add::<ErasureEvent>(ErasureApproved { ground: ApprovalGround::ControllerInstruction });
    golden.add::<ErasureEvent>(ErasureRefused { ground: RefusalGround::LegalHold });
    let doomed = DoomedKey { key: key(1), organization: OrganizationId(id(2)), class: Class::Ops, newest_epoch: 1 };
    let retained = Retained { class: Class::Suppress, ground: RetentionGround::Suppression, key: Some(key(2)) };
    golden.add::<ErasureEvent>(ErasureStarted { keys: vec![doomed], retained: vec![retained] });
    golden.add::<ErasureEvent>(SubjectKeyDestroyed { keys: vec![key(1)] });
    golden.add::<ErasureEvent>(ErasureCertified { stage: CertificateStage::Live });
    golden.add::<ErasureEvent>(CertificateLinkIssued { token: TokenHash([0xAB; 32]) });
    golden.add::<ErasureEvent>(ErasureHastened { ground: HasteGround::ChildData, due_at: NOON });
    golden.add::<ErasureEvent>(ErasureIdentityConfirmed { means: IdentityMeans::ControllerConfirmed });
    let doomed = DoomedKey { key: key(4), organization: OrganizationId(id(2)), class: Class::Ops, newest_epoch: 2 };
    golden.add::<ErasureEvent>(ErasureWidened { keys: vec![doomed] });
    golden.add::<ErasureEvent>(ErasureDeadlineMissed { due_at: NOON });
    golden.add::<ErasureEvent>(ErasureCaseClosed { key: key(5) });
    golden.add::<KeyEvent>(KeyEpochOpened { epoch: 2 });
    golden.add::<KeyEvent>(KeyEpochWrapped { epoch: 2, provider: KeyProvider::PassphraseFile });
    golden.add::<KeyEvent>(KeyEpochClosed { epoch: 1 });
    golden.add::<KeyEvent>(KeyEpochRewrapped { epoch: 1 });
    golden.add::<KeyEvent>(KeyEpochDestroyed { epoch: 1 });
    golden.add::<KeyEvent>(BucketKeyDestroyed { key: key(3), class: Class::Ops, bucket: 20_414 });
    let checkpoint = RecordedCheckpoint { organization: OrganizationId(id(2)), size: 7, root: RootHash([0xCD; 32]) };
    golden.add::<EvidenceEvent>(CheckpointsRecorded { checkpoints: vec![checkpoint] });
    golden.add::<EvidenceEvent>(HistoryExported { format: ExportFormat::Jsonl, since: Some(NOON), until: None });
    let former = FormerLog { key: PublicKey([0xAB; 32]), size: 9, root: RootHash([0xEF; 32]) };
    golden.add::<EvidenceEvent>(LossAccepted {
        last_event: Some(EventId(id(5))),
        since: Some(NOON),
        missing_event: Some(EventId(id(6))),
        until: Some(NOON),
        unexplained_keys: 1,
        former: Some(former),
    });
    golden.add::<OperationsEvent>(DeliveriesPaused { ground: PauseGround::Restore });
    golden.add::<OperationsEvent>(DeliveriesResumed { ground: ResumeGround::Operator });
    golden.add::<OperationsEvent>(LogRestored { last_event: EventId(id(5)), backed_up_at: NOON, keyring_backed_up_at: None });
    golden.add::<ProcessingEvent>(ProcessingRestricted { ground: RestrictionGround::AccuracyContested });
    golden.add::<ProcessingEvent>(RestrictionLiftAnnounced { manner: NoticeManner::ByController });
    golden.add::<ProcessingEvent>(RestrictionLifted { announced_at: NOON });
    golden.add::<ProcessingEvent>(ProcessingObjected { scopes: ObjectionScope::ALL.to_vec() });
}

fn retention_events(golden: &mut Golden) {
    let ground = RetentionChangeGround::PlanUpgraded;
    golden.add::<OrganizationEvent>(RetentionExtended { days: 365, ground, effective_at: NOON, origin: slot(0) });
    let ground = RetentionChangeGround::PlanDowngraded;
    golden.add::<OrganizationEvent>(RetentionShortened { days: 30, ground, effective_at: NOON, origin: slot(0) });
    golden.add::<OrganizationEvent>(FiscalYearChosen { first_month: FiscalYearStart::try_from(4).unwrap(), origin: slot(0) });
    let (ground, expires_at) = (HoldGround::LegalClaim, NOON);
    let target = HoldTarget::Days { from: Day(20_000), until: Day(20_010) };
    golden.add::<HoldEvent>(HoldRequested { target, ground, expires_at, origin: slot(0) });
    let target = HoldTarget::Person { keys: vec![key(1)] };
    golden.add::<HoldEvent>(HoldRequested { target, ground, expires_at, origin: slot(0) });
    golden.add::<HoldEvent>(HoldApproved { approver: UserId(id(4)), origin: slot(0) });
    golden.add::<HoldEvent>(HoldReleased { origin: slot(0) });
    golden.add::<HoldEvent>(HoldExpired { expires_at });
    let (purpose, data) = (Purpose::Support, DataName::RequestOrigin);
    golden.add::<DataAccessEvent>(PurposeRefused { purpose, data, refusal: PurposeRefusal::NotForThisData, count: 2 });
    golden.add::<DataAccessEvent>(DataOpened { purpose: Purpose::SubjectRights, data: DataName::RecipientDetails, count: 7 });
}

#[test]
fn every_event_has_the_facts_it_had_from_the_start() {
    let mut golden = Golden { text: String::new(), seen: BTreeSet::new() };
    account_events(&mut golden);
    email_events(&mut golden);
    privacy_events(&mut golden);
    retention_events(&mut golden);
    let known = [
        UserEvent::TYPES,
        OrganizationEvent::TYPES,
        ApiKeyEvent::TYPES,
        SmtpServerEvent::TYPES,
        EmailEvent::TYPES,
        SuppressionEvent::TYPES,
        ErasureEvent::TYPES,
        KeyEvent::TYPES,
        EvidenceEvent::TYPES,
        HoldEvent::TYPES,
        ProcessingEvent::TYPES,
        OperationsEvent::TYPES,
        DataAccessEvent::TYPES,
    ];
    let known: BTreeSet<&str> = known.iter().flat_map(|types| types.iter().map(|(name, _)| *name)).collect();
    assert_eq!(golden.seen, known, "an event is missing here");
    insta::assert_snapshot!(golden.text);
}

/// What is inside an envelope is stored too.
#[test]
fn personal_data_has_the_form_it_had_from_the_start() {
    let form = |data: &dyn erased::Form| data.json();
    let mut text = String::new();
    writeln!(text, "RequestOrigin {}", form(origin().expose())).unwrap();
    writeln!(text, "UserDetails {}", form(&UserDetails { name: "n".into(), address: "a".into() })).unwrap();
    writeln!(text, "PasswordHash {}", form(&PasswordHash { phc: "p".into() })).unwrap();
    writeln!(text, "OrganizationDetails {}", form(&OrganizationDetails { name: "n".into() })).unwrap();
    writeln!(text, "ApiKeyDetails {}", form(&ApiKeyDetails { name: "n".into() })).unwrap();
    writeln!(text, "SmtpServerDetails {}", form(&SmtpServerDetails { host: "h".into(), username: None })).unwrap();
    writeln!(text, "SmtpSecret {}", form(&SmtpSecret { secret: "s".into() })).unwrap();
    let tag = Tag { name: "n".into(), value: "v".into() };
    let sender = SenderDetails {
        from: "f".into(),
        reply_to: vec!["r".into()],
        tags: vec![tag],
        headers: vec![("n".into(), "v".into())],
        attachment_names: vec!["a".into()],
        ip: None,
        user_agent: None,
    };
    writeln!(text, "SenderDetails {}", form(&sender)).unwrap();
    writeln!(text, "RecipientDetails {}", form(&RecipientDetails { address: "a".into(), name: None, subject_line: "s".into() })).unwrap();
    writeln!(text, "ReplyDetails {}", form(&ReplyDetails { text: "t".into() })).unwrap();
    writeln!(text, "SuppressionDetails {}", form(&SuppressionDetails { address: "a".into() })).unwrap();
    writeln!(text, "ErasureCase {}", form(&ErasureCase { address: "a".into(), note: None })).unwrap();
    insta::assert_snapshot!(text);
}

mod erased {
    pub trait Form {
        fn json(&self) -> String;
    }
    impl<T: domain::PersonalData> Form for T {
        fn json(&self) -> String {
            serde_json::to_string(self).unwrap()
        }
    }
}

//! A random but possible history: every step is a decision of an aggregate, and every type of event comes up.

use crate::streams::Stream;
use domain::*;
use event_store::StreamAppend;
use std::collections::BTreeSet;
use std::time::Duration;

pub struct Story {
    pub ids: SeededIds,
    pub now: Timestamp,
    pub users: Vec<Stream<User>>,
    pub organizations: Vec<Stream<Organization>>,
    pub api_keys: Vec<Stream<ApiKey>>,
    pub servers: Vec<Stream<SmtpServer>>,
    pub emails: Vec<Stream<Email>>,
    pub suppressions: Vec<Stream<Suppression>>,
    pub erasures: Vec<Stream<Erasure>>,
    pub processings: Vec<Stream<Processing>>,
    pub holds: Vec<Stream<Hold>>,
    pub recipient_keys: Vec<KeyId>,
    /// Every type of event that was made.
    pub types: BTreeSet<String>,
}

impl Story {
    pub fn new(seed: u64, now: Timestamp) -> Self {
        let ids = SeededIds::new(seed);
        let recipient_keys = (0..12).map(|_| KeyId(ids.random())).collect();
        Self {
            ids,
            now,
            users: vec![],
            organizations: vec![],
            api_keys: vec![],
            servers: vec![],
            emails: vec![],
            suppressions: vec![],
            erasures: vec![],
            processings: vec![],
            holds: vec![],
            recipient_keys,
            types: BTreeSet::new(),
        }
    }

    /// Up to `count` steps; time passes, some days in all.
    pub fn steps(&mut self, count: usize) -> Vec<StreamAppend> {
        let mut appends = Vec::new();
        for _ in 0..count {
            self.now = self.now + Duration::from_micros(self.draw(400_000_000));
            let step = self.step();
            for append in &step {
                self.types.extend(append.events.iter().map(|event| event.event_type.to_string()));
            }
            appends.extend(step);
        }
        appends
    }

    pub fn draw(&self, below: u64) -> u64 {
        let (high, low) = self.ids.random().as_u64_pair();
        (high ^ low) % below.max(1)
    }

    fn index(&self, length: usize) -> usize {
        usize::try_from(self.draw(length as u64)).unwrap()
    }

    pub fn key(&self) -> KeyId {
        KeyId(self.ids.random())
    }

    fn step(&mut self) -> Vec<StreamAppend> {
        if self.users.len() < 2 {
            return self.sign_up();
        }
        if self.organizations.len() < 2 {
            return self.found();
        }
        match self.draw(40) {
            0 => self.sign_up(),
            1 => self.found(),
            2..=4 => self.user_acts(),
            5 => self.organization_changes(),
            6..=7 => self.key_changes(),
            8 => self.connect_server(),
            9..=10 => self.suppress(),
            11..=12 => self.erase(),
            13 => self.limit(),
            14 => self.hold(),
            15..=22 => self.queue(),
            _ => self.email_moves(),
        }
    }

    fn member(&self) -> Actor {
        Actor::Member(UserId(self.users[self.index(self.users.len())].name.id))
    }

    pub fn organization(&self) -> OrganizationId {
        self.organizations[self.index(self.organizations.len())].name.organization
    }

    fn sign_up(&mut self) -> Vec<StreamAppend> {
        let id = self.ids.time_ordered(self.now);
        let mut user = Stream::<User>::new(OrganizationId::PLATFORM, id);
        let request = SignUp {
            details: Personal::new(UserDetails { name: String::new(), address: String::new() }),
            password: Personal::new(PasswordHash { phc: String::new() }),
            age_attested: true,
            policy_version: 1,
            policy_version_in_force: 1,
            confirmation: TokenHash([7; 32]),
            origin: origin(),
            now: self.now,
            id_key: self.key(),
            ops_key: self.key(),
        };
        let drafts = user.state.sign_up(&request).unwrap();
        let append = user.record(drafts, Actor::Member(UserId(id)), self.now, &self.ids);
        self.users.push(user);
        append.into_iter().collect()
    }

    fn user_acts(&mut self) -> Vec<StreamAppend> {
        let (origin, key) = (origin(), self.key());
        let traced = Traced { key: Some(key), origin: &origin };
        let (choice, number, session) = (self.draw(12), self.index(self.users.len()), SessionId(self.ids.random()));
        let user = &mut self.users[number];
        let drafts = match choice {
            0..=3 => user.state.confirm_address(TokenHash([7; 32]), self.now, traced).unwrap_or_default(),
            4..=7 => {
                let mut drafts = user.state.sign_in(session, TokenHash([1; 32]), self.now, traced).unwrap_or_default();
                drafts.extend(user.state.fail_sign_in(SignInFailure::WrongPassword, traced));
                drafts
            }
            8..=10 => vec![traced.draft(|origin| SignedOut { session, origin })],
            _ => user.state.close(ErasureId(session.0), Traced { key: None, ..traced }),
        };
        let actor = Actor::Member(UserId(user.name.id));
        user.record(drafts, actor, self.now, &self.ids).into_iter().collect()
    }

    fn found(&mut self) -> Vec<StreamAppend> {
        let id = self.ids.time_ordered(self.now);
        let (origin, key) = (origin(), self.key());
        let number = self.index(self.users.len());
        let owner = UserId(self.users[number].name.id);
        let mut organization = Stream::<Organization>::new(OrganizationId(id), id);
        let details = Personal::new(OrganizationDetails { name: String::new() });
        let drafts = organization.state.create(owner, &details, key, Traced { key: Some(key), origin: &origin });
        let created = organization.record(drafts, Actor::Member(owner), self.now, &self.ids);
        self.organizations.push(organization);
        let joined = self.users[number].state.join(OrganizationId(id)).unwrap_or_default();
        let joined = self.users[number].record(joined, Actor::Member(owner), self.now, &self.ids);
        created.into_iter().chain(joined).collect()
    }

    fn organization_changes(&mut self) -> Vec<StreamAppend> {
        let (origin, key, actor) = (origin(), self.key(), self.member());
        let traced = Traced { key: Some(key), origin: &origin };
        let user = UserId(self.users[self.index(self.users.len())].name.id);
        let (choice, number) = (self.draw(7), self.index(self.organizations.len()));
        let (days, month) = ([30, 90, 365][self.index(3)], FiscalYearStart::try_from(u8::try_from(1 + self.draw(12)).unwrap()).unwrap());
        let organization = &mut self.organizations[number];
        let own = self.servers.iter().rfind(|server| server.name.organization == organization.name.organization);
        let drafts = match (choice, own) {
            (0, _) => organization.state.remove_member(user),
            (1, _) => vec![Draft::plain(MemberJoined { user, role: Role::Member })],
            (2 | 3, _) => {
                let ground = if days < 90 { RetentionChangeGround::PlanDowngraded } else { RetentionChangeGround::PlanUpgraded };
                organization.state.set_retention(days, ground, self.now, traced).unwrap_or_default()
            }
            (4, _) => organization.state.choose_fiscal_year(month, traced).unwrap_or_default(),
            (_, Some(server)) => organization.state.select_smtp_server(SmtpServerId(server.name.id), traced).unwrap_or_default(),
            _ => vec![],
        };
        organization.record(drafts, actor, self.now, &self.ids).into_iter().collect()
    }

    fn key_changes(&mut self) -> Vec<StreamAppend> {
        let (origin, key, actor) = (origin(), self.key(), self.member());
        let traced = Traced { key: Some(key), origin: &origin };
        if self.api_keys.is_empty() || self.draw(3) > 0 {
            let mut made = Stream::<ApiKey>::new(self.organization(), self.ids.time_ordered(self.now));
            let details = Personal::new(ApiKeyDetails { name: String::new() });
            let scopes = BTreeSet::from([Scope::SendEmails, Scope::ReadEmails]);
            let drafts = made.state.create(&details, key, TokenHash([2; 32]), &scopes, traced).unwrap();
            let append = made.record(drafts, actor, self.now, &self.ids);
            self.api_keys.push(made);
            return append.into_iter().collect();
        }
        let number = self.index(self.api_keys.len());
        let drafts = self.api_keys[number].state.revoke(traced).unwrap();
        self.api_keys[number].record(drafts, actor, self.now, &self.ids).into_iter().collect()
    }

    fn connect_server(&mut self) -> Vec<StreamAppend> {
        let (origin, key, actor) = (origin(), self.key(), self.member());
        let mut server = Stream::<SmtpServer>::new(self.organization(), self.ids.time_ordered(self.now));
        let request = ConnectSmtpServer {
            details: Personal::new(SmtpServerDetails { host: String::new(), username: None }),
            secret: (self.draw(2) == 0).then(|| Personal::new(SmtpSecret { secret: String::new() })),
            port: 587,
            tls_mode: TlsMode::StartTls,
            tls_version: Some(TlsVersion::Tls13),
            key,
        };
        let drafts = server.state.connect(&request, Traced { key: Some(key), origin: &origin });
        let append = server.record(drafts, actor, self.now, &self.ids);
        self.servers.push(server);
        append.into_iter().collect()
    }

    fn suppress(&mut self) -> Vec<StreamAppend> {
        let actor = self.member();
        if self.suppressions.is_empty() || self.draw(3) == 0 {
            let (organization, key) = (self.organization(), self.key());
            self.suppressions.push(Stream::new(organization, key.0));
        }
        let number = self.index(self.suppressions.len());
        let suppression = &mut self.suppressions[number];
        let key = KeyId(suppression.name.id);
        let details = Personal::new(SuppressionDetails { address: String::new() });
        let drafts = match suppression.state.reason {
            None => suppression.state.suppress(SuppressionReason::Manual, &details, key, None),
            Some(_) => vec![Draft::plain(SuppressionLifted { by_request: true })],
        };
        suppression.record(drafts, actor, self.now, &self.ids).into_iter().collect()
    }

    fn erase(&mut self) -> Vec<StreamAppend> {
        let (actor, key) = (self.member(), self.key());
        if self.erasures.is_empty() || self.draw(4) == 0 {
            let mut erasure = Stream::<Erasure>::new(self.organization(), self.ids.time_ordered(self.now));
            let case = Personal::new(ErasureCase { address: String::new(), note: None });
            let (target, child) = (ErasureTarget::Recipient, self.draw(5) == 0);
            let link = TokenHash([7; 32]);
            let decision = ErasureDecision::Pending;
            let request = RequestErasure { target, user: None, case, key, keep_suppressed: true, link, child, decision, now: self.now };
            let drafts = erasure.state.request(&request);
            let append = erasure.record(drafts, actor, self.now, &self.ids);
            self.erasures.push(erasure);
            return append.into_iter().collect();
        }
        let (number, refuse, widen) = (self.index(self.erasures.len()), self.draw(6) == 0, self.draw(4) == 0);
        let late = self.draw(3) == 0;
        let erasure = &mut self.erasures[number];
        let doomed = DoomedKey { key, organization: erasure.name.organization, class: Class::Ops, newest_epoch: 1 };
        let drafts = match (&erasure.state.started, erasure.state.destroyed, erasure.state.refused) {
            (_, _, Some(_)) => vec![],
            (None, _, _) if refuse => vec![Draft::plain(ErasureRefused { ground: RefusalGround::LegalHold })],
            (None, _, _) if !erasure.state.approved => {
                erasure.state.approve(IdentityMeans::ControllerConfirmed, ApprovalGround::ControllerInstruction).unwrap_or_default()
            }
            (None, _, _) => erasure.state.start(vec![], vec![]),
            (Some(_), false, _) if widen => erasure.state.widen(vec![doomed]),
            (Some(_), false, _) if late && !erasure.state.deadline_missed => erasure.state.miss_deadline(self.now + ERASURE_DUE),
            (Some(_), false, _) => erasure.state.conclude(),
            (Some(_), true, _) if erasure.state.everywhere_at.is_none() => erasure.state.conclude_everywhere(),
            (Some(_), true, _) => erasure.state.close_case(self.now + CASE_KEPT + CASE_KEPT),
        };
        erasure.record(drafts, Actor::System(SystemActor::Erasure), self.now, &self.ids).into_iter().collect()
    }

    fn limit(&mut self) -> Vec<StreamAppend> {
        let actor = self.member();
        if self.processings.is_empty() || self.draw(4) == 0 {
            let (organization, key) = (self.organization(), self.key());
            self.processings.push(Stream::new(organization, key.0));
        }
        let (number, choice) = (self.index(self.processings.len()), self.draw(4));
        let processing = &mut self.processings[number];
        let drafts = match choice {
            0 => processing.state.restrict(RestrictionGround::LegalClaim),
            1 => processing.state.announce_lift(NoticeManner::ByController).unwrap_or_default(),
            2 => processing.state.lift().unwrap_or_default(),
            _ => processing.state.object(&[ObjectionScope::LegitimateInterests]),
        };
        processing.record(drafts, actor, self.now, &self.ids).into_iter().collect()
    }

    fn hold(&mut self) -> Vec<StreamAppend> {
        let (origin, key, actor) = (origin(), self.key(), self.member());
        let traced = Traced { key: Some(key), origin: &origin };
        let approver = UserId(self.users[self.index(self.users.len())].name.id);
        if self.holds.is_empty() || self.draw(4) == 0 {
            let mut hold = Stream::<Hold>::new(self.organization(), self.ids.time_ordered(self.now));
            let (target, expires_at) = (HoldTarget::Person { keys: vec![key] }, self.now + Duration::from_secs(40_000));
            let drafts = hold.state.request(&target, HoldGround::LegalClaim, expires_at, self.now, traced).unwrap();
            let append = hold.record(drafts, actor, self.now, &self.ids);
            self.holds.push(hold);
            return append.into_iter().collect();
        }
        let (number, choice) = (self.index(self.holds.len()), self.draw(4));
        let hold = &mut self.holds[number];
        let drafts = match choice {
            0 => hold.state.release(self.now, traced).unwrap_or_default(),
            1 => hold.state.expire(self.now),
            _ => hold.state.approve(approver, self.now, traced).unwrap_or_default(),
        };
        hold.record(drafts, actor, self.now, &self.ids).into_iter().collect()
    }

    fn queue(&mut self) -> Vec<StreamAppend> {
        let organization = self.organization();
        let mut email = Stream::<Email>::new(organization, self.ids.time_ordered(self.now));
        let actor = match self.draw(3) {
            0 => self.member(),
            1 => Actor::ApiKey(ApiKeyId(self.ids.random())),
            _ => Actor::System(SystemActor::Platform),
        };
        let recipients = (0..=self.draw(4)).map(|number| NewRecipient {
            field: if number == 0 { RecipientField::To } else { RecipientField::ALL[self.index(3)] },
            details: Personal::new(RecipientDetails { address: String::new(), name: None, subject_line: String::new() }),
            key: Some(self.recipient_keys[self.index(self.recipient_keys.len())]),
            suppressed: self.draw(8) == 0,
        });
        let server = self.servers.iter().rfind(|server| server.name.organization == organization);
        let request = QueueEmail {
            recipients: recipients.collect(),
            sender: Personal::new(sender()),
            sender_key: self.key(),
            tags: (0..self.draw(3)).map(|_| tag(self.draw(3))).collect(),
            scheduled_at: (self.draw(4) == 0).then(|| self.now + Duration::from_secs(3600)),
            transport: server.map_or(Transport::Sandbox, |server| Transport::SmtpServer(SmtpServerId(server.name.id))),
            interface: Interface::Rest,
            size_bytes: self.draw(100_000),
        };
        let drafts = email.state.queue(request).unwrap();
        let append = email.record(drafts, actor, self.now, &self.ids);
        self.emails.push(email);
        append.into_iter().collect()
    }

    fn email_moves(&mut self) -> Vec<StreamAppend> {
        if self.emails.is_empty() {
            return vec![];
        }
        // Young messages move most.
        let number = self.emails.len() - 1 - self.index(self.emails.len().min(1 + self.index(30)));
        let (choice, actor) = (self.draw(12), self.member());
        let only: Vec<u16> = self.emails[number].state.delivery.recipients_in(|_| self.draw(3) > 0);
        let attempt = self.attempt(&self.emails[number].state);
        let email = &mut self.emails[number];
        let (drafts, actor) = match choice {
            0 => (email.state.cancel(CancellationReason::Requested, None).unwrap_or_default(), actor),
            1 => (email.state.cancel(CancellationReason::Erased, Some(&only)).unwrap_or_default(), actor),
            2 => (email.state.abandon(AbandonmentReason::Expired), Actor::System(SystemActor::Delivery)),
            3 => (email.state.doubt(), Actor::System(SystemActor::Delivery)),
            4..=6 => (email.state.start_transmission(&only), Actor::System(SystemActor::Delivery)),
            _ => (email.state.record_attempt(attempt), Actor::System(SystemActor::Delivery)),
        };
        email.record(drafts, actor, self.now, &self.ids).into_iter().collect()
    }

    /// Every recipient gets at most one answer.
    fn attempt(&self, email: &Email) -> Attempt {
        let mut attempt = Attempt {
            accepted: vec![],
            acceptance: if self.draw(2) == 0 { Acceptance::Relayed } else { Acceptance::Delivered },
            bounced: vec![],
            deferred: vec![],
            next_attempt_at: self.now + Duration::from_secs(60),
            rules_version: 1,
        };
        for recipient in email.delivery.recipients_in(|state| !state.is_terminal()) {
            let text = (self.draw(3) > 0).then(|| Personal::new(ReplyDetails { text: String::new() }));
            let reply = RecipientReply { recipient, code: Some(250), enhanced_status: None, reason: None, text };
            match self.draw(5) {
                0 | 1 => attempt.accepted.push(reply),
                2 => attempt.bounced.push(reply),
                3 => attempt.deferred.push(reply),
                _ => {}
            }
        }
        attempt
    }
}

pub fn tag(number: u64) -> LookupValue {
    LookupValue([u8::try_from(number).unwrap(); 16])
}

fn origin() -> Personal<RequestOrigin> {
    Personal::new(RequestOrigin { ip: None, user_agent: None })
}

fn sender() -> SenderDetails {
    SenderDetails {
        from: String::new(),
        reply_to: vec![],
        tags: vec![],
        headers: vec![],
        attachment_names: vec![],
        ip: None,
        user_agent: None,
    }
}

/// The names of all events that there are.
pub fn all_types() -> BTreeSet<String> {
    let types = [
        UserEvent::TYPES,
        OrganizationEvent::TYPES,
        ApiKeyEvent::TYPES,
        SmtpServerEvent::TYPES,
        EmailEvent::TYPES,
        SuppressionEvent::TYPES,
        ErasureEvent::TYPES,
        ProcessingEvent::TYPES,
        HoldEvent::TYPES,
    ];
    types.into_iter().flatten().map(|(name, _)| (*name).to_owned()).collect()
}

/** The public face of the plugin SDK: explicit names, no logic. */

export type { Static } from 'typebox'
export { Type } from 'typebox'
export type { Account, AccountFilter, AccountQuery, Accounts, NewAccount } from './accounts.js'
export { AccountConflict, AccountMissing, PasswordRefused } from './accounts.js'
export type { AdminRequest, AdminRoute, StreamedReply } from './admin-route.js'
export { AdminError, adminRoute } from './admin-route.js'
export type { Admins } from './admins.js'
export type { Audit, AuditEntry } from './audit.js'
export { hashOfInfo, infoQuery, isKnownHash, legacyHashOfInfo } from './capability-hash.js'
export type { Command, CommandNote, CommandOutcome, CommandRequest, CommandStage, CommandStep } from './command.js'
export type { ConsolePage } from './console-page.js'
export type { TableColumns } from './create-missing-table.js'
export { createMissingTable } from './create-missing-table.js'
export type { FormDescription, FormField, FormFieldType, FormFieldValue, FormOption, FormTable } from './data-form.js'
export { checkForm, FormValues, findForm, formElement, readForm, resultForm, submittedForm } from './data-form.js'
export type { Appender, ColumnValue, Database, DatabaseClient, Migration, Row } from './database.js'
export { fromDateColumn, fromDateColumnOr, toDateColumn } from './database.js'
export type { AnyPlugin, Contributions, PluginContext, PluginDefinition, StreamElementHandler, StreamFeature } from './define-plugin.js'
export { definePlugin } from './define-plugin.js'
export { stampDelay } from './delay.js'
export { detachText } from './detach-text.js'
export type { Discovery, DiscoveryInfo, DiscoveryItem, DiscoveryItems, DiscoveryProvider, DiscoveryQuery, Identity } from './discovery.js'
export type { Content } from './element.js'
export { childElements, childText, Element, element, findChild, isXmlText, namespaceOf, parseElement, XmlError } from './element.js'
export type {
  Holder,
  HookName,
  Hooks,
  KeptMessagesDue,
  MessageUndelivered,
  PresenceReceived,
  PresenceSent,
  ResourceAvailable,
  ServerAddressed,
  SessionClosed,
  StanzaArrived,
  UserRegistered,
  Verdict,
} from './hooks.js'
export type { IqHandler, IqRequest, IqTarget, PreAuthIqHandler, PreAuthIqRequest } from './iq-handler.js'
export { isClientSession } from './iq-handler.js'
export { Jid, JidError } from './jid.js'
export { isKept, markKept } from './kept-mark.js'
export type { Logger } from './logger.js'
export type { MaybePromise } from './maybe-promise.js'
export { isPromise, whenDone } from './maybe-promise.js'
export type { Counter, Metrics } from './metrics.js'
export { NS } from './namespaces.js'
export { NumberedAppender } from './numbered-appender.js'
export type { OutgoingGate } from './outgoing-gate.js'
export type { Band, BreakerLimits, Crossing, InterceptorFilter, PacketInterceptor, RejectionDetails, RoutedNotes } from './packet-interceptor.js'
export { PacketRejected } from './packet-interceptor.js'
export type { DomainStanza, PluginDomain } from './plugin-domain.js'
export type { PortListener } from './port-listener.js'
export { opaqueString, PreparationError } from './precis.js'
export type { PagePlace, PageRequest } from './result-set.js'
export { placeOfPage, readPageRequest, resultSet } from './result-set.js'
export type { CapabilitiesChange, CapabilitiesListener, CapabilitiesService } from './services/capabilities.js'
export type { DeliveryJournalService } from './services/delivery-journal.js'
export type { PepChange, PepItem, PepListener, PepService } from './services/pep.js'
export type { LastSeen, PresenceService } from './services/presence.js'
export type { PrivateDataService, PrivateDataSource } from './services/private-data.js'
export type { RosterItem, RosterService, Subscription, SubscriptionChange, SubscriptionListener } from './services/roster.js'
export type { ServiceName, Services } from './services/services.js'
export type { StanzaIdService } from './services/stanza-ids.js'
export type { VcardChange, VcardListener, VcardService } from './services/vcards.js'
export type { ClientSession, ConnectedSession, Login, Session, SessionKind, Sessions, StreamErrorCondition } from './session.js'
export { SessionEnded } from './session.js'
export type { ChildOutline, IqType, MessageType, PresenceType, Stanza, StanzaAttributes, StanzaHeader, StanzaKind } from './stanza.js'
export { errorReply, Iq, iq, Message, message, Presence, parseStanza, presence, stanzaFrom } from './stanza.js'
export type { StanzaErrorCondition, StanzaErrorDetails, StanzaErrorType } from './stanza-error.js'
export { StanzaError } from './stanza-error.js'
export type { StanzaIdGiver } from './stanza-id.js'
export { areStanzaIdsOffered, givenStanzaId, offerStanzaIds, stampStanzaId, stanzaIdElement, takeStanzaId } from './stanza-id.js'
export type { Fate } from './storability.js'
export { fateOf } from './storability.js'
export { parseStoredStanza } from './stored-stanza.js'
export type { Timer, Timers } from './timers.js'
export { TwoGenerationMap } from './two-generation-map.js'
export { XmlColumn } from './xml-column.js'

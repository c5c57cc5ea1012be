package chat

// Problem names an error for programs that have words of their own for it. A name is kept for ever; docs/http-api.md lists them.
type Problem string

// What an error is called that has no name of its own, by its code.
const (
	ProblemInvalid     Problem = "invalid"
	ProblemSignedOut   Problem = "signed-out"
	ProblemForbidden   Problem = "forbidden"
	ProblemNotFound    Problem = "not-found"
	ProblemConflict    Problem = "conflict"
	ProblemTooLarge    Problem = "too-large"
	ProblemTooOften    Problem = "too-often"
	ProblemUnavailable Problem = "unavailable"
	ProblemInternal    Problem = "internal"
	ProblemChanged     Problem = "changed-meanwhile"
	ProblemUnversioned Problem = "if-match-missing"
)

const (
	ProblemWrongPassword   Problem = "wrong-password"
	ProblemTooManySignIns  Problem = "too-many-sign-ins"
	ProblemOtherSite       Problem = "other-site"
	ProblemSetupLink       Problem = "setup-link"
	ProblemTaken           Problem = "taken"
	ProblemTextTooLong     Problem = "text-too-long"
	ProblemMessageTooLarge Problem = "message-too-large"
	ProblemMessageIDUsed   Problem = "message-id-used"
	ProblemSendingTooFast  Problem = "sending-too-fast"
	ProblemNotStored       Problem = "not-stored"
	ProblemAccountDisabled Problem = "account-disabled"
	ProblemNotMember       Problem = "not-member"
	ProblemGroupMuted      Problem = "group-muted"
	ProblemMuted           Problem = "muted"
	ProblemOwnerOnly       Problem = "owner-only"
	ProblemGroupAdminsOnly Problem = "group-admins-only"
	ProblemOwnerLeaves     Problem = "owner-leaves"
	ProblemOwnsGroups      Problem = "owns-groups"
	ProblemOwnContact      Problem = "own-contact"
	ProblemNothingToChange Problem = "nothing-to-change"
	ProblemFileKind        Problem = "file-kind"
	ProblemMayNotMessage   Problem = "may-not-message"
	ProblemMayNotAdd       Problem = "may-not-add"
	ProblemGroupsByAdmins  Problem = "groups-by-administrators"
	ProblemNotYours        Problem = "not-yours"
	ProblemTooLate         Problem = "too-late"
	ProblemEditTooLate     Problem = "edit-too-late"
	ProblemEditRecalled    Problem = "recalled"
	ProblemEditFiles       Problem = "edit-text-only"
	ProblemFollows         Problem = "group-follows"
	ProblemInviteLink      Problem = "invite-link"
	ProblemPeopleLimit     Problem = "people-limit"
	ProblemGroupsLimit     Problem = "groups-limit"
	ProblemOwnOrg          Problem = "own-organisation"
	ProblemLastOrg         Problem = "last-organisation"
	ProblemDeletionBegun   Problem = "deletion-begun"
	ProblemLastAdmin       Problem = "last-administrator"
	ProblemSystemOnly      Problem = "system-administrator-only"
	ProblemPasswordLink    Problem = "password-link"

	ProblemHostToken Problem = "host-token"
	ProblemHostUser  Problem = "host-user"
	ProblemAppOrigin Problem = "app-origin"
	ProblemKeyScope  Problem = "key-scope"

	ProblemFileTooLarge     Problem = "file-too-large"
	ProblemFileEmpty        Problem = "file-empty"
	ProblemQuotaFull        Problem = "quota-full"
	ProblemPictureDamaged   Problem = "picture-damaged"
	ProblemPictureTooLarge  Problem = "picture-too-large"
	ProblemMediaNotFound    Problem = "media-not-found"
	ProblemMediaUnavailable Problem = "media-unavailable"
	ProblemUploadOffset     Problem = "upload-offset"
)

// Reasons of ProblemHostToken.
const (
	TokenExpired      = "expired"
	TokenNotYet       = "not-yet"
	TokenTooLong      = "too-long"
	TokenReplayed     = "replayed"
	TokenSignature    = "signature"
	TokenAlgorithm    = "algorithm"
	TokenIssuer       = "issuer"
	TokenAudience     = "audience"
	TokenOrganisation = "organisation"
	TokenMalformed    = "malformed"
	TokenKeys         = "keys-unavailable"
)

// HostToken is the error of a host's token that is not taken, with what its maker can do.
func HostToken(reason, format string, args ...any) *Error {
	e := Errorf(Unauthenticated, format, args...).Named(ProblemHostToken)
	e.Reason = reason
	return e
}

// FieldCode says what is wrong with a field. A code is kept for ever; docs/http-api.md lists them.
type FieldCode string

const (
	FieldRequired   FieldCode = "required"
	FieldUnknown    FieldCode = "unknown"
	FieldType       FieldCode = "type"
	FieldFormat     FieldCode = "format"
	FieldChoice     FieldCode = "choice"
	FieldTooShort   FieldCode = "too-short"
	FieldTooLong    FieldCode = "too-long"
	FieldTooSmall   FieldCode = "too-small"
	FieldTooBig     FieldCode = "too-big"
	FieldTooFew     FieldCode = "too-few"
	FieldTooMany    FieldCode = "too-many"
	FieldRepeated   FieldCode = "repeated"
	FieldCharacters FieldCode = "control-characters"
	FieldConflict   FieldCode = "conflict"
	FieldTaken      FieldCode = "taken"
	FieldNobody     FieldCode = "nobody"
	FieldWrong      FieldCode = "wrong"
	FieldInvalid    FieldCode = "invalid"
	FieldCycle      FieldCode = "cycle"
	FieldTooDeep    FieldCode = "too-deep"
	FieldNotAllowed FieldCode = "not-allowed"
	FieldSurplus    FieldCode = "surplus"
)

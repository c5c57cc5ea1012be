package chat

import (
	"slices"
	"strings"
	"time"
)

// Kinds are the kinds of files that may be uploaded, by their names with commas between them; "" is all of them.
type Kinds string

// FileKinds are the names of the kinds, and the content types that each stands for.
var FileKinds = []struct {
	Name  string
	Types []byte
}{
	{"image", []byte{ContentImage}},
	{"audio", []byte{ContentAudio}},
	{"video", []byte{ContentVideo}},
	{"document", []byte{ContentDocument, ContentSlides, ContentSpreadsheet, ContentPDF}},
	{"other", []byte{ContentFile}},
}

// List returns the names; all of them for "".
func (k Kinds) List() []string {
	var out []string
	for _, f := range FileKinds {
		if k == "" || slices.Contains(strings.Split(string(k), ","), f.Name) {
			out = append(out, f.Name)
		}
	}
	return out
}

// MakeKinds is the Kinds of some names. Each must be one of FileKinds.
func MakeKinds(names []string) (Kinds, error) {
	for _, n := range names {
		if !slices.Contains(Kinds("").List(), n) {
			return "", FieldError("file_kinds", FieldChoice, "must be of image, audio, video, document and other")
		}
	}
	if len(names) == 0 {
		return "", FieldError("file_kinds", FieldTooFew, "must name at least one kind")
	}
	k := Kinds(strings.Join(names, ","))
	if len(k.List()) == len(FileKinds) {
		k = ""
	}
	return k, nil
}

// MayUpload reports why a file may not be uploaded. Pictures of people and groups are not files of anybody's.
func (s OrgSettings) MayUpload(f File) error {
	if f.Purpose == ForAvatar {
		return nil
	}
	for _, k := range FileKinds {
		if slices.Contains(k.Types, byte(f.Kind)) && !slices.Contains(s.FileKinds.List(), k.Name) {
			return Errorf(Forbidden, "Your organisation does not allow files of this kind.").Named(ProblemFileKind)
		}
	}
	for _, b := range f.Blobs {
		if s.FileLimit > 0 && b.Size > s.FileLimit {
			e := Errorf(TooLarge, "Your organisation allows files of at most %d bytes.", s.FileLimit)
			e.Limit = int(s.FileLimit)
			return e
		}
	}
	return nil
}

// PasswordRules are what a new password must fulfil besides the server's own rules.
type PasswordRules struct {
	Min   int  // characters
	Mixed bool // letters, and digits or signs
}

// Passwords returns the rules of new passwords.
func (s OrgSettings) Passwords() PasswordRules { return PasswordRules{s.PasswordMin, s.PasswordMixed} }

// Recall is how long an author may recall a message.
func (s OrgSettings) Recall() time.Duration {
	switch {
	case s.RecallSeconds < 0:
		return 0
	case s.RecallSeconds == 0:
		return DefaultRecall
	}
	return time.Duration(s.RecallSeconds) * time.Second
}

// Edit is how long an author may edit a message.
func (s OrgSettings) Edit() time.Duration {
	switch {
	case s.EditSeconds < 0:
		return 0
	case s.EditSeconds == 0:
		return DefaultEdit
	}
	return time.Duration(s.EditSeconds) * time.Second
}

// MayMessage reports why a user may not write to another. contact says that one of them has the other in its contacts, and together that
// they share a department. Administrators and programs may write to everyone, and be written to.
func (s OrgSettings) MayMessage(from, to User, contact, together bool) error {
	if to.Disabled {
		return Errorf(Forbidden, "This account is disabled and takes no messages.").Named(ProblemAccountDisabled)
	}
	free := func(u User) bool { return u.Service || u.Role.Has(ManagePeople) }
	if from.UID == to.UID || free(from) || free(to) {
		return nil
	}
	if s.MessageWhom == ForContacts && !contact || s.MessageWhom == ForDepartments && !contact && !together {
		return Errorf(Forbidden, "Your organisation does not allow you to write to this person. Add the person to your contacts first.").Named(ProblemMayNotMessage)
	}
	return nil
}

package chat

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
)

// Purposes of an uploaded file.
const (
	ForMessage = "message"
	ForAvatar  = "avatar" // a square picture of a user or group
)

// Variants of a file. The empty one is what a link without more names.
const (
	VariantMain     = ""
	VariantThumb    = "thumb"
	VariantOriginal = "original"
)

// FilePath goes before the id of a file in a link.
const FilePath = "/media/"

// FileOf returns the id of the file that a link names; ours tells that it is none of another site. Of one that begins as ours do but names
// no file, it returns the link, which is no id.
func FileOf(link string) (id string, ours bool) {
	path, ours := strings.CutPrefix(link, FilePath)
	if !ours {
		return "", false
	}
	path, _, _ = strings.Cut(path, "?")
	return cmp.Or(strings.TrimSuffix(strings.TrimSuffix(path, "/"+VariantThumb), "/"+VariantOriginal), link), true
}

// File is an uploaded file of an organisation. Messages link to it by /media/{ID}; its bytes lie in the media store.
type File struct {
	ID          string // 128 random bits: who does not know it can't guess it
	EID, UID    string // UID uploaded it
	Purpose     string
	Name        string // cleaned
	Type        string // MIME type, found in the content
	Kind        byte   // content type of docs/protocol.md §4
	Width       int    // pixels as shown, 0 where unknown
	Height      int
	Duration    float64 // seconds; of sound and films as the uploader gave it, 0 where unknown; of a picture that moves once through, else 0
	Placeholder string  // thumbhash of a picture in base64
	Created     time.Time
	Blobs       []Blob // the variants that there are
}

// Animated reports whether it is a picture that moves.
func (f *File) Animated() bool { return f.Kind == ContentImage && f.Duration > 0 }

// Blob returns a variant of the file; ok is false where there is none.
func (f *File) Blob(variant string) (b Blob, ok bool) {
	for _, b := range f.Blobs {
		if b.Variant == variant {
			return b, true
		}
	}
	return Blob{}, false
}

// Size is how many bytes the file counts in a quota: those of all its variants.
func (f *File) Size() (n int64) {
	for _, b := range f.Blobs {
		n += b.Size
	}
	return n
}

// Blob is one variant of a file: a sequence of bytes in the media store.
type Blob struct {
	Variant string
	Type    string // MIME type
	Key     string // in the media store
	Hash    []byte // SHA-256
	Size    int64
}

// FileRef is a place in a message that links to a file.
type FileRef struct {
	Index int    // of the medium in the message, from 0
	Type  byte   // its content type
	File  string // id of the file, "" for a link to elsewhere
	Main  bool   // it is the medium itself, and not its thumbnail or original
}

// SharedFile is a file in a conversation: a medium of a message.
type SharedFile struct {
	Entry Entry
	Index int
}

// FileUse says how much is stored, in bytes as they were uploaded: what two people upload counts for both.
type FileUse struct {
	UID, Name string
	Used      int64
	Files     int64
}

// Upload is a resumable upload.
type Upload struct {
	ID       string
	EID, UID string
	File     UploadFile
	Key      string // of the object that is written
	Size     int64
	Offset   int64  // bytes that are durable
	Progress string // the media store's own notes
	State    UploadState
	Failure  *Error // where State is UploadFailed
	FileID   string // where State is UploadDone
	Expires  time.Time
}

// UploadFile is what an uploader says about a file.
type UploadFile struct {
	Name     string  `json:"name"`
	Purpose  string  `json:"purpose"`
	Original bool    `json:"original,omitempty"` // keep the original too
	Duration float64 `json:"duration,omitempty"` // seconds
	Width    int     `json:"width,omitempty"`    // of a video
	Height   int     `json:"height,omitempty"`
}

// UploadState is where a resumable upload stands.
type UploadState string

const (
	UploadOpen   UploadState = "uploading"
	UploadDone   UploadState = "done"
	UploadFailed UploadState = "failed"
)

// Quota bounds what may be stored, in bytes: of one user, and of the organisation, where 0 is no bound; and of one file.
type Quota struct{ User, Org, File int64 }

// Bytes writes a number of bytes for people: 1.5 GiB.
func Bytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " bytes"
	}
	v, unit := float64(n)/1024, 0
	for v >= 1024 && unit < len(units)-1 {
		v, unit = v/1024, unit+1
	}
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) + " " + units[unit:unit+1] + "iB"
}

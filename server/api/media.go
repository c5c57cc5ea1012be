package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"magpie/server/chat"
)

// Media takes files in and gives them out. The errors are those of the domain.
type Media interface {
	// Add takes in all of r; size is how long it says that it is, or -1.
	Add(ctx context.Context, eid, uid string, about chat.UploadFile, r io.Reader, size int64) (chat.File, error)
	// Open finds a variant of a file that a user may read, or chat.NotFound.
	Open(ctx context.Context, eid, uid, id, variant string) (chat.File, chat.Blob, error)
	// Read reads a blob from a place on; fs.ErrNotExist is in the error where its bytes are gone. What it returns is an io.Seeker too, where that is cheap.
	Read(ctx context.Context, b chat.Blob, from int64) (io.ReadCloser, error)
	// Link makes an address at which a browser may get a blob from the media store itself for some time; "" where it must get it from us.
	Link(ctx context.Context, b chat.Blob, disposition string) (string, error)
	// Origin is the origin of what Link makes, "" where there is none.
	Origin() string
	// QuotaOf returns the bounds that hold in an organisation.
	QuotaOf(ctx context.Context, eid string) (chat.Quota, error)
	Ready(ctx context.Context) error
	Uploads
}

// Files are what the database knows of files.
type Files interface {
	UserStorage(ctx context.Context, eid, uid string) (chat.FileUse, error)
	SharedFiles(ctx context.Context, eid, uid, conv string, images bool, cursor string, limit int) ([]chat.SharedFile, string, error)
	OrgStorage(ctx context.Context, eid string, limit int) (chat.FileUse, []chat.FileUse, error)
}

// patience is how long an upload may bring nothing.
const patience = time.Minute

// Most that is read of a form's fields before the file.
const (
	maxFormFields = 16
	maxFormField  = 4 << 10
	maxForm       = 2 * maxFormFields * maxFormField // with what stands between
)

// fileAnswer is an uploaded file.
type fileAnswer struct {
	ID          string  `json:"id"`
	URL         string  `json:"url" doc:"The link that a message carries."`
	ThumbURL    string  `json:"thumb_url" doc:"A small picture, or empty."`
	OriginalURL string  `json:"original_url" doc:"The file as it was uploaded, where the uploader asked to keep it; else empty."`
	Name        string  `json:"name" doc:"Cleaned: without paths, controls and the like."`
	Size        int64   `json:"size" doc:"Bytes behind url."`
	Type        string  `json:"type" doc:"MIME type, found in the content."`
	Kind        byte    `json:"kind" enum:"1,2,3,4,5,6,7,15" doc:"Content type of docs/protocol.md §4."`
	Width       int     `json:"width" doc:"Pixels as shown; 0 where unknown."`
	Height      int     `json:"height"`
	Duration    float64 `json:"duration" doc:"Seconds: of sound and films as the uploader gave it, of a picture that moves once through; 0 where unknown."`
	Animated    bool    `json:"animated" doc:"It is a picture that moves."`
	Placeholder string  `json:"placeholder" doc:"A thumbhash in base64, or empty."`
}

func answerOf(f chat.File) fileAnswer {
	main, _ := f.Blob(chat.VariantMain)
	out := fileAnswer{ID: f.ID, URL: chat.FilePath + f.ID, Name: f.Name, Size: main.Size, Type: f.Type, Kind: f.Kind,
		Width: f.Width, Height: f.Height, Duration: f.Duration, Animated: f.Animated(), Placeholder: f.Placeholder}
	if _, ok := f.Blob(chat.VariantThumb); ok {
		out.ThumbURL = out.URL + "/" + chat.VariantThumb
	}
	if _, ok := f.Blob(chat.VariantOriginal); ok {
		out.OriginalURL = out.URL + "/" + chat.VariantOriginal
	}
	return out
}

func (a *api) mediaRoutes(e *echo.Echo) {
	a.uploadRoutes(e)
	a.stream(e, op{method: "POST", path: "/media", id: "upload-file", tag: "Media", status: http.StatusCreated, summary: "Upload a file in one request",
		about: "A form (multipart/form-data): the fields original (1: keep the original too), purpose (message or avatar), duration, width and height, then the file in the field file."},
		&huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{Type: huma.TypeObject,
			Required: []string{"file"}, Properties: map[string]*huma.Schema{
				"original": {Type: huma.TypeString, Enum: []any{"1", "0"}}, "purpose": {Type: huma.TypeString, Enum: []any{chat.ForMessage, chat.ForAvatar}},
				"duration": {Type: huma.TypeString}, "width": {Type: huma.TypeString}, "height": {Type: huma.TypeString},
				"file": {Type: huma.TypeString, Format: "binary"}}}}}}, a.upload)
	route(a, op{method: "GET", path: "/conversations/{conv}/media", id: "list-files", tag: "Conversations", summary: "The files in a conversation, newest first"}, a.sharedFiles)
	route(a, op{method: "GET", path: "/me/storage", id: "my-storage", tag: "Media", summary: "How much one has uploaded"}, a.myStorage)
	route(a, op{method: "GET", path: "/org/storage", id: "org-storage", tag: "Media", right: chat.ReadOrganisation, summary: "How much the organisation stores", about: "For administrators and auditors."}, a.orgStorage)
	for path, variant := range map[string]string{"": chat.VariantMain, "/" + chat.VariantThumb: chat.VariantThumb, "/" + chat.VariantOriginal: chat.VariantOriginal} {
		handle := func(c echo.Context) error { return a.serveFile(c, variant) }
		e.GET(mediaPath+"/:id"+path, handle)
		e.HEAD(mediaPath+"/:id"+path, handle)
	}
}

// streams reports whether a request's bodies may be large: it may take as long as it moves on, and nothing is packed on the way.
func streams(c echo.Context) bool {
	p := c.Path()
	return strings.HasPrefix(p, mediaPath+"/") || p == prefix+"/media" || strings.HasPrefix(p, prefix+"/uploads") || p == prefix+"/admin/notices" || strings.HasPrefix(p, prefix+exportPath+"/")
}

// stream is route for an operation whose bodies are bytes and not JSON: they pass through, and are never held in memory.
func (a *api) stream(e *echo.Echo, o op, body *huma.RequestBody, handle func(c echo.Context, who *caller) error) {
	operation := &huma.Operation{OperationID: o.id, Method: o.method, Path: prefix + o.path, Summary: o.summary, Description: o.about, Tags: []string{o.tag},
		Security: []map[string][]string{{bearer: {}}}, RequestBody: body,
		Responses: map[string]*huma.Response{strconv.Itoa(o.status): {Description: http.StatusText(o.status)}}}
	for name := range strings.SplitSeq(o.path, "/") {
		if inner, ok := strings.CutPrefix(name, "{"); ok {
			operation.Parameters = append(operation.Parameters, &huma.Param{Name: strings.TrimSuffix(inner, "}"), In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
		}
	}
	a.huma.OpenAPI().AddOperation(operation)
	what := o.method + " " + operation.Path
	e.Add(o.method, strings.NewReplacer("{", ":", "}", "").Replace(operation.Path), func(c echo.Context) error {
		who, err := a.callerOf(c, signedIn)
		if err == nil {
			err = handle(c, who)
		}
		var problem *Problem
		if err == nil || errors.As(err, &problem) {
			return err
		}
		return a.translate(c.Request().Context(), what, err)
	})
}

// arrival is the body of a request with a file: it is read for as long as something comes, and until it is interrupted. That it breaks off
// is the caller's affair.
type arrival struct {
	body    io.Reader
	control *http.ResponseController

	mu      sync.Mutex // guards stopped, and the deadline
	stopped bool
}

func incoming(c echo.Context) *arrival {
	return &arrival{body: c.Request().Body, control: http.NewResponseController(c.Response())}
}

func (r *arrival) Read(b []byte) (int, error) {
	if !r.wait(time.Now().Add(patience)) {
		return 0, newProblem(http.StatusRequestTimeout, problemBodyTimeout, "Another request goes on with this upload.")
	}
	n, err := r.body.Read(b)
	if err != nil {
		r.wait(time.Time{}) // what follows may take its time
	}
	if err != nil && err != io.EOF {
		err = newProblem(http.StatusRequestTimeout, problemBodyTimeout, "The file did not arrive completely. Please send it again.")
	}
	return n, err
}

// wait moves the deadline. It reports false when the reading was interrupted.
func (r *arrival) wait(until time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		_ = r.control.SetReadDeadline(until) // a connection that knows no deadlines, as in some tests, has none to move
	}
	return !r.stopped
}

// Interrupt ends the reading, also while it waits.
func (r *arrival) Interrupt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	_ = r.control.SetReadDeadline(time.Now()) // as above
}

func (a *api) upload(c echo.Context, who *caller) error {
	r := c.Request()
	r.Body = io.NopCloser(incoming(c))
	form, err := r.MultipartReader()
	if err != nil {
		return newProblem(http.StatusUnsupportedMediaType, problemMediaType, "The body must be a form: multipart/form-data, with the file in the field “file”.")
	}
	about, file, err := readForm(form)
	if err != nil {
		return err
	}
	f, err := a.Media.Add(r.Context(), who.EID, who.UID, about, formFile{file}, r.ContentLength-maxForm)
	if err != nil {
		return fmt.Errorf("take a file in: %w", err)
	}
	return c.JSON(http.StatusCreated, answerOf(f))
}

// formFile is the file in a form. A form without an end is one that broke off.
type formFile struct{ *multipart.Part }

func (f formFile) Read(b []byte) (int, error) {
	n, err := f.Part.Read(b)
	var problem *Problem
	if err != nil && err != io.EOF && !errors.As(err, &problem) {
		err = errForm()
	}
	return n, err
}

// readForm reads the fields of an upload up to its file.
func readForm(form *multipart.Reader) (chat.UploadFile, *multipart.Part, error) {
	fields := map[string]string{}
	for range maxFormFields {
		part, err := form.NextPart()
		if err == io.EOF {
			return chat.UploadFile{}, nil, chat.FieldError("file", chat.FieldRequired, "is missing")
		}
		if err != nil {
			return chat.UploadFile{}, nil, errForm()
		}
		if part.FormName() == "file" {
			fields["filename"] = part.FileName()
			about, err := aboutFile(fields)
			return about, part, err
		}
		b, err := io.ReadAll(io.LimitReader(part, maxFormField))
		if err != nil {
			return chat.UploadFile{}, nil, errForm()
		}
		fields[part.FormName()] = string(b)
	}
	return chat.UploadFile{}, nil, chat.FieldError("file", chat.FieldRequired, "must come after a few fields at most")
}

func errForm() error {
	return newProblem(http.StatusBadRequest, problemMalformed, "The form is not complete. Please send the file again.")
}

// aboutFile reads what an uploader says about a file.
func aboutFile(fields map[string]string) (chat.UploadFile, error) {
	f := chat.UploadFile{Name: fields["filename"], Purpose: fields["purpose"], Original: fields["original"] == "1"}
	switch f.Purpose {
	case "":
		f.Purpose = chat.ForMessage
	case chat.ForMessage, chat.ForAvatar:
	default:
		return f, chat.FieldError("purpose", chat.FieldChoice, "must be message or avatar")
	}
	if s := fields["duration"]; s != "" {
		d, err := strconv.ParseFloat(s, 64)
		if err != nil || !(d >= 0 && d <= 1e7) {
			return f, chat.FieldError("duration", chat.FieldType, "must be a number of seconds")
		}
		f.Duration = d
	}
	for name, to := range map[string]*int{"width": &f.Width, "height": &f.Height} {
		if s := fields[name]; s != "" {
			n, err := strconv.ParseUint(s, 10, 16)
			if err != nil {
				return f, chat.FieldError(name, chat.FieldType, "must be a number of pixels")
			}
			*to = int(n)
		}
	}
	return f, nil
}

type storageAnswer struct {
	Used      int64 `json:"used" doc:"Bytes of all that one has uploaded and that is still there."`
	Quota     int64 `json:"quota" doc:"Most bytes, 0 for no bound."`
	FileLimit int64 `json:"file_limit" doc:"Most bytes of one file."`
}

func (a *api) myStorage(ctx context.Context, c *caller, _ *struct{}) (*answer[storageAnswer], error) {
	quota, err := a.Media.QuotaOf(ctx, c.EID)
	if err != nil {
		return nil, fmt.Errorf("read the quota: %w", err)
	}
	use, err := a.Store.UserStorage(ctx, c.EID, c.UID)
	if err != nil {
		return nil, fmt.Errorf("read the use of storage: %w", err)
	}
	return &answer[storageAnswer]{storageAnswer{use.Used, quota.User, quota.File}}, nil
}

// mostUsers is how many users the use of storage lists.
const mostUsers = 20

type userStorage struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
	Used int64  `json:"used"`
}

type orgStorageAnswer struct {
	Used  int64         `json:"used" doc:"Bytes as they were uploaded: what two people upload counts twice."`
	Quota int64         `json:"quota" doc:"Most bytes, 0 for no bound."`
	Files int64         `json:"files"`
	Users []userStorage `json:"users" doc:"Those who use the most."`
}

func (a *api) orgStorage(ctx context.Context, c *caller, _ *struct{}) (*answer[orgStorageAnswer], error) {
	quota, err := a.Media.QuotaOf(ctx, c.EID)
	if err != nil {
		return nil, fmt.Errorf("read the quota: %w", err)
	}
	all, users, err := a.Store.OrgStorage(ctx, c.EID, mostUsers)
	if err != nil {
		return nil, fmt.Errorf("read the use of storage: %w", err)
	}
	out := orgStorageAnswer{Used: all.Used, Quota: quota.Org, Files: all.Files, Users: []userStorage{}}
	for _, u := range users {
		out.Users = append(out.Users, userStorage{u.UID, u.Name, u.Used})
	}
	return &answer[orgStorageAnswer]{out}, nil
}

type sharedFilesInput struct {
	ConvPath
	Paging
	Kind string `query:"kind" enum:"image,file" default:"image" doc:"image: pictures and videos; file: all others."`
}

// sharedFile is a file in a conversation.
type sharedFile struct {
	Seq     uint64    `json:"seq"`
	TS      time.Time `json:"ts"`
	Sender  string    `json:"sender"`
	Index   int       `json:"index" doc:"Of the medium in the message, from 0."`
	Type    int       `json:"type" doc:"Its content type."`
	Content object    `json:"content"`
}

func (a *api) sharedFiles(ctx context.Context, c *caller, in *sharedFilesInput) (*answer[list[sharedFile]], error) {
	files, next, err := a.Store.SharedFiles(ctx, c.EID, c.UID, in.Conv, in.Kind == "image", in.Cursor, in.Limit)
	if err != nil {
		return nil, fmt.Errorf("read the files of a conversation: %w", err)
	}
	var items []sharedFile
	for _, f := range files {
		m, err := messageOf(f.Entry)
		if err != nil {
			return nil, err
		}
		if f.Index < len(m.Media) {
			part := m.Media[f.Index]
			items = append(items, sharedFile{Seq: m.Seq, TS: m.TS, Sender: m.Sender, Index: f.Index, Type: part.Type, Content: part.Content})
		}
	}
	return page(items, next), nil
}

package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"magpie/server/chat"
)

// The protocol of resumable uploads (https://tus.io/protocols/resumable-upload, 1.0.0).
const (
	tusVersion    = "1.0.0"
	tusExtensions = "creation,creation-with-upload,expiration,termination"
	tusContent    = "application/offset+octet-stream"
	maxMetadata   = 8 << 10
)

// Uploads are the resumable part of Media. For who does not own an upload it is not there.
type Uploads interface {
	// Begin begins an upload of size bytes.
	Begin(ctx context.Context, eid, uid string, about chat.UploadFile, size int64) (chat.Upload, error)
	// Upload tells how far one has come. Whoever is still sending for it is interrupted.
	Upload(ctx context.Context, eid, uid, id string) (chat.Upload, error)
	// Continue takes in more, from offset on. The upload that it returns with an error is as it is then.
	Continue(ctx context.Context, eid, uid, id string, offset int64, r interface {
		io.Reader
		Interrupt()
	}) (chat.Upload, error)
	// End gives an upload up.
	End(ctx context.Context, eid, uid, id string) error
}

// uploadAnswer is how an upload stands.
type uploadAnswer struct {
	State   chat.UploadState `json:"state" enum:"uploading,done,failed" doc:"It is uploading until the file is made, also when all bytes are there."`
	Offset  int64            `json:"offset" doc:"Bytes that the server has."`
	Size    int64            `json:"size" doc:"Bytes that it is to have."`
	Media   *fileAnswer      `json:"media,omitempty" doc:"The file, where it is done."`
	Problem *Problem         `json:"problem,omitempty" doc:"Why there is none, where it failed."`
}

func (a *api) uploadRoutes(e *echo.Echo) {
	bytes := &huma.RequestBody{Content: map[string]*huma.MediaType{tusContent: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}
	tus := func(o op, body *huma.RequestBody, handle func(c echo.Context, who *caller) error) {
		a.stream(e, o, body, func(c echo.Context, who *caller) error {
			c.Response().Header().Set("Tus-Resumable", tusVersion)
			if o.method != http.MethodOptions && c.Request().Header.Get("Tus-Resumable") != tusVersion {
				c.Response().Header().Set("Tus-Version", tusVersion)
				return newProblem(http.StatusPreconditionFailed, chat.ProblemInvalid, "This needs the header Tus-Resumable: "+tusVersion+".")
			}
			return handle(c, who)
		})
	}
	tus(op{method: "OPTIONS", path: "/uploads", id: "tus-options", tag: "Media", status: 204, summary: "What tus can do here"}, nil, a.tusOptions)
	tus(op{method: "POST", path: "/uploads", id: "begin-upload", tag: "Media", status: 201, summary: "Begin a resumable upload (tus 1.0)",
		about: "Upload-Length in bytes; Upload-Metadata with filename, original, purpose, duration, width, height. Location names the upload."}, bytes, a.beginUpload)
	tus(op{method: "HEAD", path: "/uploads/{id}", id: "upload-offset", tag: "Media", status: 200, summary: "How far an upload has come (tus 1.0)"}, nil, a.uploadOffset)
	tus(op{method: "PATCH", path: "/uploads/{id}", id: "continue-upload", tag: "Media", status: 204, summary: "Send more of an upload (tus 1.0)"}, bytes, a.continueUpload)
	tus(op{method: "DELETE", path: "/uploads/{id}", id: "end-upload", tag: "Media", status: 204, summary: "Give an upload up (tus 1.0)"}, nil, a.endUpload)
	route(a, op{method: "GET", path: "/uploads/{id}", id: "get-upload", tag: "Media", summary: "What became of an upload",
		about: "For a client that lost the last answer. It is remembered for a day."}, a.getUpload)
}

func (a *api) tusOptions(c echo.Context, _ *caller) error {
	h := c.Response().Header()
	h.Set("Tus-Version", tusVersion)
	h.Set("Tus-Extension", tusExtensions)
	h.Set("Tus-Max-Size", strconv.FormatInt(a.Limits.File, 10))
	return c.NoContent(http.StatusNoContent)
}

func (a *api) beginUpload(c echo.Context, who *caller) error {
	r := c.Request()
	size, err := strconv.ParseInt(r.Header.Get("Upload-Length"), 10, 64)
	if err != nil || size < 0 {
		return newProblem(http.StatusBadRequest, problemMalformed, "The header Upload-Length must be the number of bytes of the file.")
	}
	fields, ok := parseMetadata(r.Header.Get("Upload-Metadata"))
	if !ok {
		return newProblem(http.StatusBadRequest, problemMalformed, "The header Upload-Metadata must be a list of keys, each with a value in base64.")
	}
	about, err := aboutFile(fields)
	if err != nil {
		return err
	}
	u, err := a.Media.Begin(r.Context(), who.EID, who.UID, about, size)
	if err != nil {
		return fmt.Errorf("begin an upload: %w", err)
	}
	c.Response().Header().Set("Location", prefix+"/uploads/"+u.ID)
	if r.Header.Get("Content-Type") == tusContent { // creation-with-upload
		if u, err = a.Media.Continue(r.Context(), who.EID, who.UID, u.ID, 0, incoming(c)); err != nil && u.ID == "" {
			return fmt.Errorf("continue an upload: %w", err)
		}
	}
	tusHeaders(c, u)
	return c.NoContent(http.StatusCreated)
}

func (a *api) uploadOffset(c echo.Context, who *caller) error {
	u, err := a.Media.Upload(c.Request().Context(), who.EID, who.UID, c.Param("id"))
	if err != nil {
		return fmt.Errorf("read an upload: %w", err)
	}
	c.Response().Header().Set("Upload-Length", strconv.FormatInt(u.Size, 10))
	tusHeaders(c, u)
	return c.NoContent(http.StatusOK)
}

func (a *api) continueUpload(c echo.Context, who *caller) error {
	r := c.Request()
	if r.Header.Get("Content-Type") != tusContent {
		return newProblem(http.StatusUnsupportedMediaType, problemMediaType, "The body must have the Content-Type "+tusContent+".")
	}
	offset, err := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 {
		return newProblem(http.StatusBadRequest, problemMalformed, "The header Upload-Offset must be a number of bytes.")
	}
	u, err := a.Media.Continue(r.Context(), who.EID, who.UID, c.Param("id"), offset, incoming(c))
	if err != nil {
		return fmt.Errorf("continue an upload: %w", err)
	}
	tusHeaders(c, u)
	if u.State == chat.UploadFailed {
		return u.Failure
	}
	return c.NoContent(http.StatusNoContent)
}

func (a *api) endUpload(c echo.Context, who *caller) error {
	if err := a.Media.End(c.Request().Context(), who.EID, who.UID, c.Param("id")); err != nil {
		return fmt.Errorf("end an upload: %w", err)
	}
	return c.NoContent(http.StatusNoContent)
}

type uploadInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *api) getUpload(ctx context.Context, c *caller, in *uploadInput) (*answer[uploadAnswer], error) {
	u, err := a.Media.Upload(ctx, c.EID, c.UID, in.ID)
	if err != nil {
		return nil, fmt.Errorf("read an upload: %w", err)
	}
	out := uploadAnswer{State: u.State, Offset: u.Offset, Size: u.Size}
	switch u.State {
	case chat.UploadDone:
		f, _, err := a.Media.Open(ctx, c.EID, c.UID, u.FileID, chat.VariantMain)
		if err != nil {
			return nil, fmt.Errorf("read the file of an upload: %w", err)
		}
		made := answerOf(f)
		out.Media = &made
	case chat.UploadFailed:
		out.Problem = a.translate(ctx, "upload", u.Failure)
	}
	return &answer[uploadAnswer]{out}, nil
}

func tusHeaders(c echo.Context, u chat.Upload) {
	h := c.Response().Header()
	h.Set("Upload-Offset", strconv.FormatInt(u.Offset, 10))
	h.Set("Upload-Expires", u.Expires.UTC().Format(http.TimeFormat))
}

// parseMetadata reads Upload-Metadata: keys and values in base64.
func parseMetadata(s string) (map[string]string, bool) {
	fields := map[string]string{}
	if len(s) > maxMetadata {
		return nil, false
	}
	if s == "" {
		return fields, true
	}
	for pair := range strings.SplitSeq(s, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), " ")
		b, err := base64.StdEncoding.DecodeString(value)
		if err != nil || key == "" {
			return nil, false
		}
		fields[key] = string(b)
	}
	return fields, true
}

package media

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// s3Options are what an address s3://BUCKET/PREFIX?… says.
type s3Options struct {
	bucket, prefix, region string
	endpoint               string // host and port
	secure                 bool
	style                  minio.BucketLookupType
	redirect               bool
	publicEndpoint         string
	publicSecure           bool
	keys                   *credentials.Credentials
}

var (
	bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$`)
)

func parseS3(address string) (o s3Options, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return o, errors.New("the address must have the form s3://BUCKET?endpoint=HOST")
	}
	o.bucket = u.Host
	if u.Scheme != "s3" || !bucketForm.MatchString(o.bucket) || u.User != nil {
		return o, errors.New("the address must have the form s3://BUCKET?endpoint=HOST, and hold no keys")
	}
	if p := strings.Trim(u.Path, "/"); p != "" {
		if !prefixForm.MatchString(p) {
			return o, fmt.Errorf("%q can't go before the names of objects", p)
		}
		o.prefix = p + "/"
	}
	q := u.Query()
	take := func(name, otherwise string) string {
		v := otherwise
		if q.Has(name) {
			v = q.Get(name)
		}
		q.Del(name)
		return v
	}
	if o.endpoint, o.secure, err = hostOf(take("endpoint", "s3.amazonaws.com")); err != nil {
		return o, err
	}
	public := take("public", "")
	if o.publicEndpoint, o.publicSecure = o.endpoint, o.secure; public != "" {
		if o.publicEndpoint, o.publicSecure, err = hostOf(public); err != nil {
			return o, err
		}
	}
	o.region = take("region", "us-east-1")
	switch v := take("style", "auto"); v {
	case "auto":
	case "path":
		o.style = minio.BucketLookupPath
	case "virtual":
		o.style = minio.BucketLookupDNS
	default:
		return o, fmt.Errorf("style must be auto, path or virtual, not %q", v)
	}
	switch v := take("redirect", "0"); v {
	case "0", "1":
		o.redirect = v == "1"
	default:
		return o, fmt.Errorf("redirect must be 1 or 0, not %q", v)
	}
	if o.keys, err = keysOf(take("keys", "")); err != nil {
		return o, err
	}
	for name := range q {
		return o, fmt.Errorf("there is no setting %q of S3", name)
	}
	return o, nil
}

// hostOf reads an endpoint: HOST with a port, by TLS unless it says http://.
func hostOf(s string) (host string, secure bool, err error) {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", false, errors.New("an endpoint must be a host, as in minio.example.org:9000 or http://localhost:9000")
	}
	return u.Host, u.Scheme == "https", nil
}

// Environment variables with the keys.
const (
	accessKeyVar = "MAGPIE_MEDIA_ACCESS_KEY"
	secretKeyVar = "MAGPIE_MEDIA_SECRET_KEY"
)

// keysOf reads the keys: from a file of the form that AWS programs have, or from the environment.
func keysOf(file string) (*credentials.Credentials, error) {
	keys := credentials.NewEnvAWS()
	from := "Set " + accessKeyVar + " and " + secretKeyVar + ", or name a file by keys=."
	switch {
	case file != "":
		keys = credentials.NewFileAWSCredentials(file, "")
		from = "The file " + file + " must have a section [default] with aws_access_key_id and aws_secret_access_key."
	case os.Getenv(accessKeyVar) != "":
		keys = credentials.NewStaticV4(os.Getenv(accessKeyVar), os.Getenv(secretKeyVar), "")
	}
	v, err := keys.GetWithContext(nil)
	if err != nil || v.AccessKeyID == "" || v.SecretAccessKey == "" {
		return nil, errors.New("there are no keys for S3. " + from)
	}
	return keys, nil
}

func (o s3Options) client(endpoint string, secure bool) (*minio.Client, error) {
	transport, err := s3Transport(secure)
	if err != nil {
		return nil, err
	}
	c, err := minio.New(endpoint, &minio.Options{Creds: o.keys, Secure: secure, Region: o.region, BucketLookup: o.style, Transport: transport, MaxRetries: 3})
	if err != nil {
		return nil, fmt.Errorf("prepare S3: %w", err)
	}
	return c, nil
}

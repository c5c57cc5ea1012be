import { type BodyProps, isVisual } from './body';
import { audio } from './describe';
import { FileCard } from './file-card';
import { Visuals } from './picture';
import { UploadTrouble } from './uploading';
import { Voice } from './voice';

/** The files of a message: pictures and films first, side by side; then sounds and other files. */
export function MediaShown({ m, files }: BodyProps) {
  const visuals = files.filter(isVisual);
  const others = files.filter((f) => !isVisual(f));
  return (
    <div class="media-body">
      {visuals.length > 0 && <Visuals m={m} visuals={visuals} />}
      {others.map((one) =>
        one.type === audio ? <Voice key={one.at} m={m} one={one} /> : <FileCard key={one.at} m={m} one={one} />,
      )}
      {m.state !== 'stored' && <UploadTrouble m={m} />}
    </div>
  );
}

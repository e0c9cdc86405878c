{{ read_<<main>>(source('<<source>>', '<<main>>')) }}
